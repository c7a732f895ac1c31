// Lets the people of the organization sign in with a local account, all with the same printed password.

/** What everybody in the seeded organization signs in with. */
export const PASSWORD = 'a walk through the orchard'

/** Gives each of `usernames` an account, unless it has one. */
export async function accounts(admin, usernames) {
  const missing = []
  for (const username of usernames) if (!(await signsIn(admin, username))) missing.push(username)
  for (const username of missing) {
    const { link } = await admin.post('/api/stoa/v1/accounts', { username })
    await publicly(admin, 'set-password', { token: link.split('/').at(-1), password: PASSWORD })
  }
}

/** Whether the printed password works already: asked of the first only, since guessing is slowed down. */
async function signsIn(admin, username) {
  const { accounts: known } = admin
  if (known !== undefined) return known
  const reply = await send(admin, 'session', { username, password: PASSWORD })
  admin.accounts = reply.ok
  return reply.ok
}

async function publicly(admin, tail, body) {
  const reply = await send(admin, tail, body)
  if (!reply.ok) throw new Error(`${tail} was answered ${reply.status}: ${await reply.text()}`)
}

const send = (admin, tail, body) => fetch(`${admin.url}/api/stoa/v1/${tail}`, {
  method: 'POST',
  headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
  body: JSON.stringify(body),
})
