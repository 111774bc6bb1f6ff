const key = 'fairway-project'

/** The project that was open last, so that `/` leads back to it. */
export const lastProject = (): string | null => localStorage.getItem(key)

export const rememberProject = (id: string): void => localStorage.setItem(key, id)
