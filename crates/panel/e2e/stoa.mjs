// A real server for the browser: the program itself on a fresh database, with its embedded runner and real OpenTofu,
// and the seeded organization in it.

import { spawn } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client, until } from '../../../scripts/seed/client.mjs'
import { seed } from '../../../scripts/seed/seed.mjs'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** What all accounts of the seeded organization sign in with. */
export { PASSWORD } from '../../../scripts/seed/people.mjs'

/**
 * A port that nobody has. The system gives those of its own range to whoever asks for any port at all, so one of them
 * may be gone a moment later; below that range a port stays free until somebody names it.
 */
async function freePort() {
  for (;;) {
    const port = 10_000 + randomInt(20_000)
    const probe = createServer()
    const isFree = await new Promise((done) => {
      probe.once('error', () => done(false))
      probe.listen(port, '127.0.0.1', () => probe.close(() => done(true)))
    })
    if (isFree) return port
  }
}

/** Starts a server. `stop()` ends it and removes what it kept; `environment` is added to its own. */
export async function start({ seeded = true, words = [], environment = {}, say = () => {} } = {}) {
  const stoa = process.env.STOA ?? join(root, 'target/debug/stoa')
  const folder = mkdtempSync(join(tmpdir(), 'stoa-browser-'))
  const [port, spacesPort] = [await freePort(), await freePort()]
  const url = `http://127.0.0.1:${port}`
  const log = openSync(join(folder, 'server.log'), 'a')
  const children = []
  const run = (program, args, more) => {
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('STOA_')))
    const child = spawn(program, args, { cwd: folder, env: { ...env, ...more }, stdio: ['ignore', log, log] })
    children.push(child)
    return child
  }
  const stop = async () => {
    await Promise.all(children.map((child) => new Promise((done) => {
      if (child.exitCode !== null) return done()
      child.once('exit', done)
      child.kill('SIGTERM')
    })))
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    process.env.SPACES_TOKEN ??= randomBytes(18).toString('hex')
    const server = run(stoa, ['serve', '--data-dir', join(folder, 'data'), '--listen', `127.0.0.1:${port}`, '--public-url', url,
      '--allow-local-repositories', '--tofu', process.env.STOA_TOFU ?? join(root, '.tools/bin/tofu'), ...words], environment)
    const answers = async (at) => (await fetch(at).catch(() => undefined))?.ok
    await until(`the server answers; its log is ${folder}/server.log`, () => {
      if (server.exitCode !== null) throw new Error(`the server ended:\n${readFileSync(join(folder, 'server.log'), 'utf8')}`)
      return answers(`${url}/actuator/health`)
    })
    const key = join(folder, 'data', 'admin-key.json')
    if (seeded) {
      const spaces = `http://127.0.0.1:${spacesPort}`
      run(process.execPath, [join(root, 'examples/custom-platform/platform/spaces.mjs'), '--port', String(spacesPort),
        '--people', 'ada,bob,chiara,hanna,emil,grace,yuki', '--state', join(folder, 'spaces.json')], {})
      await until('the platform answers', () => answers(spaces))
      await seed({ key, folder, spaces, stoa }, say)
    }
    return { url, folder, stop, admin: await Client.fromFile(key) }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The server of a test file: the one that `run.mjs` started for all of them, or else one of its own. */
export async function shared() {
  if (!process.env.E2E_URL) return start()
  return { url: process.env.E2E_URL, admin: await Client.fromFile(process.env.E2E_KEY), stop: async () => {} }
}
