// Signing in at an identity provider, the certified `oidc-provider`: there and back in a real browser, out again at both
// ends, and in the middle of a form.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { axe, closed, open } from './browser.mjs'
import { start } from './stoa.mjs'

const root = fileURLToPath(new URL('../../..', import.meta.url))

describe('an identity provider', async () => {
  let child
  let issuer
  let folder
  let stoa
  before(async () => {
    child = spawn(process.execPath, [join(root, 'scripts/tools/oidc/provider.mjs'), join(root, '.tools/oidc')], { stdio: ['pipe', 'pipe', 'ignore'] })
    issuer = await new Promise((done, failed) => {
      createInterface({ input: child.stdout }).once('line', done)
      child.once('exit', () => failed(new Error('the provider ended: run `scripts/setup oidc`')))
    })
    folder = mkdtempSync(join(tmpdir(), 'stoa-provider-'))
    writeFileSync(join(folder, 'secret'), 'oidc-secret\n')
    const config = join(folder, 'sign-in.toml')
    writeFileSync(config, [
      '[[provider]]', 'name = "corp"', 'display_name = "Fruit Corp"', `issuer = "${issuer}"`, 'client_id = "stoa"',
      `client_secret_file = "${join(folder, 'secret')}"`, '',
    ].join('\n'))
    stoa = await start({ seeded: false, environment: { STOA_SIGN_IN_CONFIG: config } })
    await control({ client: { redirect_uris: [`${stoa.url}/login/corp/callback`], post_logout_redirect_uris: [`${stoa.url}/logged-out`] } })
    await is('s-7', 'lea', 'Lea')
  })
  after(async () => {
    await closed()
    await stoa?.stop()
    child?.kill()
    if (folder) rmSync(folder, { recursive: true, force: true })
  })

  async function control(change) {
    const reply = await fetch(`${issuer}/control`, { method: 'POST', body: JSON.stringify(change) })
    assert.ok(reply.ok, await reply.text())
  }

  /** Says who signs in there from now on. */
  const is = (subject, username, name) => control({
    current: subject,
    accounts: { [subject]: { preferred_username: username, email: `${username}@fruit.example`, email_verified: true, given_name: name, family_name: 'Apfel' } },
  })

  const visitor = () => open(stoa, undefined, { also: [issuer] })
  const atProvider = (page) => page.getByRole('link', { name: 'Sign in with Fruit Corp' })

  test('signs in and leads to where one wanted to be', async () => {
    const page = await visitor()
    await page.goto('/me/sessions')
    await page.waitForURL(/\/login\?next=/)
    await axe(page)
    await atProvider(page).click()
    await page.waitForURL(`${stoa.url}/me/sessions`)
    await page.goto('/me')
    await page.getByText('lea@fruit.example').first().waitFor()
    const { cookies } = await page.context().storageState()
    const session = cookies.find(({ name, value, domain }) => name.startsWith('stoa') && value.length > 30 && domain === '127.0.0.1')
    assert.deepEqual([session.httpOnly, session.sameSite], [true, 'Lax'])
    page.clean()
    await page.done()
  })

  test('signs out at both ends', async () => {
    const page = await visitor()
    await page.goto('/login?next=/me')
    await atProvider(page).click()
    await page.waitForURL(`${stoa.url}/me`)
    await page.getByRole('button', { name: 'Your menu' }).click()
    await page.getByRole('button', { name: 'Sign out' }).click()
    // The provider asks whether it may end its own session too.
    await page.waitForURL((url) => url.href.startsWith(`${issuer}/session/end`))
    await page.getByRole('button', { name: /yes/i }).click()
    await page.waitForURL((url) => url.href.startsWith(`${stoa.url}/logged-out`))
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
    await page.goto('/me')
    await page.waitForURL(/\/login/)
    page.clean()
    await page.done()
  })

  test('takes back into a form whose session ended', async () => {
    const page = await visitor()
    await page.goto('/login?next=/register')
    await atProvider(page).click()
    await page.waitForURL(`${stoa.url}/register`)
    await page.locator('[name=displayName]').fill('Orchard Team')
    await page.context().clearCookies({ domain: '127.0.0.1', name: /^(__Host-)?stoa/ })
    await page.getByRole('button', { name: 'Next', exact: true }).click()
    await page.getByText('You were signed out meanwhile').waitFor()
    const [tab] = await Promise.all([page.context().waitForEvent('page'), atProvider(page).click()])
    await tab.getByRole('heading', { name: 'You are signed in' }).waitFor()
    await tab.close()
    await page.getByRole('button', { name: 'I have signed in in another tab' }).click()
    await page.locator('main input[name=step]').waitFor({ state: 'attached' })
    assert.equal(await page.locator('main [name=displayName]').inputValue(), 'Orchard Team')
    page.clean()
    await page.done()
  })

  test('that refuses leaves one outside, with a reason', async () => {
    const page = await visitor()
    const reply = await page.goto('/login/corp/callback?error=access_denied&state=made-up')
    assert.equal(reply.status(), 403)
    await page.getByRole('alert').first().waitFor()
    assert.equal(await page.getByRole('link', { name: 'Sign in with Fruit Corp' }).count(), 1)
    page.clean()
    await page.done()
  })
})
