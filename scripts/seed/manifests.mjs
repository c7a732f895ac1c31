// Puts addresses, folders and icons into the manifests of the examples, and the modules into a git repository.

import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const examples = fileURLToPath(new URL('../../examples', import.meta.url))

/** Where the organization is described. */
export const organization = join(examples, 'organization')

/** A git repository with the modules that the definitions name; made once. */
export function repository(folder) {
  const made = join(folder, 'seed-repository')
  if (existsSync(join(made, '.git'))) return made
  mkdirSync(made, { recursive: true })
  for (const name of ['tofu-module', 'custom-platform']) cpSync(join(examples, name), join(made, name), { recursive: true })
  cpSync(join(organization, 'module'), join(made, 'organization', 'module'), { recursive: true })
  const git = (...words) => execFileSync('git', words, { cwd: made, stdio: ['ignore', 'ignore', 'inherit'] })
  git('init', '--quiet', '--initial-branch=main')
  git('add', '--all')
  git('-c', 'user.name=Seed', '-c', 'user.email=seed@example.org', '-c', 'commit.gpgsign=false', 'commit', '--quiet', '--message', 'Offer modules')
  return made
}

/** Writes the manifests as `stoa apply` takes them, in the folders `first`, `offer` and `waiting`. */
export function write(folder, words) {
  const target = join(folder, 'seed-manifests')
  rmSync(target, { recursive: true, force: true })
  const put = (source, name, more = {}) => {
    mkdirSync(join(target, name, '..'), { recursive: true })
    writeFileSync(join(target, name), filled(readFileSync(source, 'utf8'), { ...words, ...more }))
  }
  put(join(organization, 'organization.yaml'), 'first/organization.yaml')
  put(join(organization, 'administrators.yaml'), 'first/zz-administrators.yaml')
  put(join(organization, 'runners.yaml'), 'first/runners.yaml')
  put(join(organization, 'platforms.yaml'), 'offer/platforms.yaml')
  put(join(organization, 'keys.yaml'), 'offer/keys.yaml')
  for (const name of readdirSync(join(organization, 'definitions'))) put(join(organization, 'definitions', name), `offer/${name}`)
  for (const name of readdirSync(join(organization, 'waiting'))) put(join(organization, 'waiting', name), `waiting/${name}`)
  const spaces = join(examples, 'custom-platform', 'manifests')
  put(join(spaces, 'type.yaml'), 'offer/spaces-type.yaml')
  for (const INSTANCE of ['berlin', 'oslo']) {
    for (const name of ['platform.yaml', 'connector.yaml', 'landing-zone.yaml']) {
      put(join(spaces, name), `offer/spaces-${INSTANCE}-${name}`, { INSTANCE, RELEASED: true })
    }
  }
  return target
}

/** `@NAME@` becomes the word of that name, `@ICON:name@` the icon as a data URL. */
function filled(text, words) {
  const released = words.RELEASED ? text.replaceAll('state: DRAFT', 'state: RELEASED') : text
  return released
    .replace(/@ICON:([a-z-]+)@/g, (_, name) => `data:image/svg+xml;base64,${readFileSync(join(organization, 'icons', `${name}.svg`)).toString('base64')}`)
    .replace(/@([A-Z]+)@/g, (found, name) => words[name] ?? found)
}
