/** What the store used of DynamoDB's request units, which is what it costs. */
export interface RequestUnits {
  read: number
  write: number
}

export class RequestMeter {
  #read = 0
  #write = 0

  /** DynamoDB says what a request used; where it does not (an emulator, a failed condition), it is computed from sizes. */
  addWrite(reported: number | undefined, computed: number): void {
    this.#write += reported ?? computed
  }

  addRead(reported: number | undefined, computed: number): void {
    this.#read += reported ?? computed
  }

  get units(): RequestUnits {
    return { read: this.#read, write: this.#write }
  }
}
