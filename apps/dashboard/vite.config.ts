import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** `npm run dev -w apps/dashboard` serves the console with hot reload and passes API calls to a running server. */
const server = process.env.FAIRWAY_URL ?? 'http://127.0.0.1:3000'

export default defineConfig(({ command }) => {
  // A build started by the tests inherits theirs, and would contain React's development version.
  if (command === 'build') process.env.NODE_ENV = 'production'
  return {
    root: import.meta.dirname,
    plugins: [react()],
    server: {
      port: 5173,
      proxy: Object.fromEntries(
        ['/api', '/v1', '/fairway.js', '/docs'].map((path) => [path, { target: server }]),
      ),
    },
    build: {
      outDir: 'dist',
      emptyOutDir: true,
      target: 'es2022',
      // The first browsers with light-dark(), which must not be rewritten: Mantine sets the color scheme by a variable.
      cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
      // Nothing is inlined: the content security policy allows only files of this origin.
      assetsInlineLimit: 0,
      rolldownOptions: {
        output: {
          // What most screens need is one file: each file has 0.8 KB of headers beside it, more than many of these hold.
          codeSplitting: { groups: [{ name: 'shared', minShareCount: 20 }] },
        },
      },
    },
  }
})
