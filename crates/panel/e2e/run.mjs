// Runs the test files in a browser, one after the other, against one seeded server; names of files narrow them.
//
//   node run.mjs [FILE…]

import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { start } from './stoa.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const wanted = process.argv.slice(2)
const files = readdirSync(here)
  .filter((name) => name.endsWith('.test.mjs') && (wanted.length === 0 || wanted.some((word) => name.includes(word))))
  .sort()
const stoa = await start({ say: (words) => console.error(`   ${words}`) })
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stoa.stop().finally(() => process.exit(130)))
const child = spawn(process.execPath, ['--test', '--test-concurrency=1', '--test-timeout=600000', ...files.map((name) => join(here, name))], {
  stdio: 'inherit',
  env: { ...process.env, E2E_URL: stoa.url, E2E_KEY: join(stoa.folder, 'data', 'admin-key.json') },
})
const code = await new Promise((done) => child.once('exit', done))
await stoa.stop()
process.exit(code ?? 1)
