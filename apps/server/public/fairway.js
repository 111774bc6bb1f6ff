// Fairway's browser snippet. It understands the `_veroq` commands:
//
//   var _veroq = _veroq || [];
//   _veroq.push(['init', { api_key: 'YOUR TRACKING KEY' }]);
//   _veroq.push(['user', { id: '42', email: 'jo@example.com', plan: 'pro' }]);
//   _veroq.push(['track', 'Purchased item', { price: 20 }]);
//   (then load this file with <script async src="https://your-fairway/fairway.js"></script>)
//
// Everything waits in localStorage until the server has confirmed it, so nothing is lost to a closed tab or a server that
// is away; message ids make a repeated delivery harmless. Comments and indentation are removed when it is served: keep
// every comment on lines of its own, and no text over several lines.
;(() => {
  const host = new URL(document.currentScript?.src || location.href).origin
  const keepAtMost = 200
  const retryAtMostMs = 60000

  let key
  let server = host
  let sending = false
  let failures = 0
  let timer
  const beforeInit = []

  // Storage throws where the browser forbids it; then this page's memory has to do.
  const memory = {}
  const read = (name) => {
    try {
      return JSON.parse(localStorage.getItem(`fairway:${name}`))
    } catch {
      return memory[name]
    }
  }
  const write = (name, value) => {
    memory[name] = value
    try {
      localStorage.setItem(`fairway:${name}`, JSON.stringify(value))
    } catch {}
  }

  const newId = () =>
    window.crypto?.randomUUID
      ? crypto.randomUUID()
      : Date.now().toString(36) + Math.random().toString(36).slice(2) + Math.random().toString(36).slice(2)

  // The cookie outlives a cleared localStorage, and the other way round.
  const anonymousId = () => {
    const cookie = /(?:^|; )fairway_anonymous=([\w-]+)/.exec(document.cookie)
    const id = cookie?.[1] || read('anonymous') || newId()
    write('anonymous', id)
    // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is missing in many browsers
    if (!cookie) document.cookie = `fairway_anonymous=${id}; path=/; max-age=31536000; samesite=lax`
    return id
  }

  const currentUser = () => read('user') || {}
  const userId = (given) => given ?? currentUser().id

  // Adds a request to the waiting ones. The oldest give way when a server stays away for very long.
  const enqueue = (path, body) => {
    const waiting = read('queue') || []
    waiting.push({ id: newId(), path: server + path, body })
    write('queue', waiting.slice(-keepAtMost))
    send()
  }

  const done = (sent) =>
    write(
      'queue',
      (read('queue') || []).filter((request) => request.id !== sent.id),
    )

  // One request at a time, in order: an identify must arrive before the events that follow it.
  const send = () => {
    const next = (read('queue') || [])[0]
    if (sending || timer || !next) return
    sending = true
    // As text/plain the browser needs no preflight, and the server reads JSON whatever it is called.
    const options = { method: 'POST', body: JSON.stringify(next.body), keepalive: true, credentials: 'omit' }
    fetch(next.path, options).then(
      (reply) => settle(next, reply.status, reply.headers.get('retry-after')),
      () => settle(next, 0),
    )
  }

  const settle = (request, status, retryAfter) => {
    sending = false
    // What the server refuses for good would be refused again.
    const again = status === 0 || status === 408 || status === 429 || status >= 500
    if (!again) {
      failures = 0
      done(request)
      return send()
    }
    failures += 1
    const wait = Number(retryAfter) * 1000 || 500 * 2 ** failures * (1 + Math.random())
    timer = setTimeout(
      () => {
        timer = 0
        send()
      },
      Math.min(wait, retryAtMostMs),
    )
  }

  // Leaving the page: what is not on its way is handed to the browser.
  const leave = () => {
    const waiting = read('queue') || []
    if (!navigator.sendBeacon) return
    for (const request of sending ? waiting.slice(1) : waiting) {
      if (!navigator.sendBeacon(request.path, JSON.stringify(request.body))) return
      done(request)
    }
  }

  // Calls of the Segment kind carry anonymous people and message ids; the rest goes to the Track API.
  const call = (type, fields) => {
    const id = currentUser().id
    const now = new Date().toISOString()
    const timezone = Intl.DateTimeFormat().resolvedOptions().timeZone
    const context = { locale: navigator.language, timezone }
    const who = { userId: id, anonymousId: anonymousId() }
    enqueue(`/v1/${type}`, { writeKey: key, messageId: newId(), timestamp: now, context, ...who, ...fields })
  }
  const trackApi = (path, fields) => enqueue(`/api/v2/${path}`, { tracking_api_key: key, ...fields })

  const visited = () => {
    try {
      if (sessionStorage.getItem('fairway:visited')) return
      sessionStorage.setItem('fairway:visited', '1')
    } catch {
      return
    }
    const { userAgent, platform, language } = navigator
    call('track', { event: 'Visited site', properties: { userAgent, platform, language } })
  }

  const commands = {
    user(user) {
      const { id, email, ...traits } = user || {}
      const known = id ?? email
      if (!known) return
      write('user', { id: String(known), email })
      call('identify', { traits: email ? { ...traits, email } : traits })
      visited()
    },
    track(name, properties) {
      call('track', { event: name, properties: properties || {} })
    },
    trackPageview() {
      const properties = {
        url: location.href,
        path: location.pathname,
        title: document.title,
        referrer: document.referrer,
      }
      call('page', { properties })
    },
    tags(tags) {
      const { id, add, remove } = tags || {}
      trackApi('users/tags/edit', { id: userId(id), add, remove })
    },
    unsubscribe(id) {
      trackApi('users/unsubscribe', { id: userId(id) })
    },
    resubscribe(id) {
      trackApi('users/resubscribe', { id: userId(id) })
    },
    // The new id comes first.
    reidentify(newId, oldId) {
      const old = userId(oldId)
      trackApi('users/reidentify', { id: old, new_id: newId })
      if (String(old) === currentUser().id) write('user', { ...currentUser(), id: String(newId) })
    },
  }

  // Links in mail name their reader.
  const readLink = () => {
    const id = new URLSearchParams(location.search).get('vero_id')
    if (id && id !== currentUser().id) commands.user({ id })
  }

  const run = (command) => {
    const [name, ...values] = Array.isArray(command) ? command : []
    if (name === 'init') {
      const options = values[0] || {}
      key = options.api_key || options.tracking_api_key
      server = options.host || host
      readLink()
      beforeInit.splice(0).forEach(run)
      return send()
    }
    if (!key) return beforeInit.push(command)
    if (Object.hasOwn(commands, name)) commands[name](...values)
  }

  const earlier = window._veroq || []
  window._veroq = { push: (...list) => list.forEach(run) }
  if (Array.isArray(earlier)) earlier.forEach(run)

  addEventListener('pagehide', leave)
  addEventListener('online', () => {
    clearTimeout(timer)
    timer = 0
    send()
  })
})()
