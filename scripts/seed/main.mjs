// Makes a small organization in a running server, through its public API alone: workspaces, people, platforms,
// definitions, and blocks in every state. Repeating it changes nothing.
//
//   STOA=target/debug/stoa node scripts/seed/main.mjs --key data/admin-key.json --folder FOLDER --spaces URL
//
// FOLDER is for the git repository that the server's runner reads, so it starts with --allow-local-repositories. URL
// is where examples/custom-platform/platform/spaces.mjs listens, with the token in SPACES_TOKEN.

import { parseArgs } from 'node:util'
import { seed } from './seed.mjs'

const { values } = parseArgs({
  options: { key: { type: 'string' }, folder: { type: 'string' }, spaces: { type: 'string' }, stoa: { type: 'string', default: process.env.STOA ?? 'stoa' } },
})
for (const name of ['key', 'folder', 'spaces']) {
  if (!values[name]) {
    console.error(`seed: --${name} is missing`)
    process.exit(64)
  }
}
try {
  await seed(values, (words) => console.error(`   ${words}`))
} catch (error) {
  console.error(`seed: ${error.message}`)
  process.exit(1)
}
