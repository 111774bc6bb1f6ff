// Runs before the first paint, so that a dark console never flashes white. A file of its own because the content
// security policy forbids inline scripts. The key is the one in src/theme.ts.
;(() => {
  let chosen = null
  try {
    chosen = localStorage.getItem('fairway-color-scheme')
  } catch {
    // Storage may be forbidden; the system's setting decides then.
  }
  const dark = chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light')
})()
