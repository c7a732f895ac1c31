// Lets the people of the organization sign in with a local account, all with the same printed password.

import { Person } from './client.mjs'

/** What everybody in the seeded organization signs in with. */
export const PASSWORD = 'a walk through the orchard'

/** Gives each of `usernames` an account, unless the first of them has one. */
export async function accounts(admin, usernames) {
  // One is asked for all: signing in with a wrong password is slowed down.
  if ((await send(admin, 'session', { username: usernames[0], password: PASSWORD })).ok) return
  for (const username of usernames) {
    const { link } = await admin.post('/api/stoa/v1/accounts', { username })
    await publicly(admin, 'set-password', { token: link.split('/').at(-1), password: PASSWORD })
  }
}

/** Somebody in the workspace that they act in. */
export const acting = (url, username, workspace) => Person.signIn(url, username, PASSWORD, workspace)

async function publicly(admin, tail, body) {
  const reply = await send(admin, tail, body)
  if (!reply.ok) throw new Error(`${tail} was answered ${reply.status}: ${await reply.text()}`)
}

const send = (admin, tail, body) => fetch(`${admin.url}/api/stoa/v1/${tail}`, {
  method: 'POST',
  headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
  body: JSON.stringify(body),
})
