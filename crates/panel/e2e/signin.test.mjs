// Signing in and out with a local account, and what happens to a form whose session ends meanwhile.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { axe, closed, open, signIn } from './browser.mjs'
import { PASSWORD, shared } from './stoa.mjs'

describe('signing in', async () => {
  let stoa
  before(async () => {
    stoa = await shared()
  })
  after(async () => {
    await closed()
    await stoa.stop()
  })

  test('says that name or password is wrong, and not which', async () => {
    const page = await open(stoa)
    const said = []
    for (const username of ['tom', 'nobody-of-this-name']) {
      await page.goto('/login')
      await page.fill('input[name=username]', username)
      await page.fill('input[name=password]', 'an unlucky guess')
      await page.getByRole('button', { name: 'Sign in' }).click()
      said.push(await page.getByRole('alert').innerText())
      assert.equal(await page.inputValue('input[name=password]'), '', 'a password is not sent back')
    }
    assert.equal(said[0], said[1])
    await axe(page)
    page.clean()
    await page.done()
  })

  test('leads in, and signing out leads out for good', async () => {
    const page = await open(stoa)
    await signIn(page, 'emil')
    await page.goto('/w/data/projects')
    await page.getByRole('button', { name: 'Your menu' }).click()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForURL((url) => !url.pathname.startsWith('/w/'))
    await page.goBack()
    await page.goto('/w/data/projects')
    await page.waitForURL(/\/login/)
    page.clean()
    await page.done()
  })

  test('gives a cookie that no script reads', async () => {
    const page = await open(stoa)
    await signIn(page, 'priya')
    const cookies = (await page.context().cookies()).filter(({ value }) => value.length > 30)
    assert.ok(cookies.length > 0)
    for (const { httpOnly, sameSite } of cookies) assert.deepEqual([httpOnly, sameSite], [true, 'Lax'])
    const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]))
    for (const { value } of cookies) assert.ok(!kept.includes(value))
    await page.done()
  })

  test('goes no further than this server', async () => {
    const page = await open(stoa)
    for (const next of ['https://elsewhere.example/', '//elsewhere.example/', '/\\elsewhere.example', 'javascript:alert(1)']) {
      await page.context().clearCookies()
      await page.goto(`/login?next=${encodeURIComponent(next)}`)
      await page.fill('input[name=username]', 'yuki')
      await page.fill('input[name=password]', PASSWORD)
      await page.getByRole('button', { name: 'Sign in' }).click()
      await page.waitForURL((url) => url.pathname !== '/login')
      assert.equal(new URL(page.url()).origin, stoa.url, next)
    }
    page.clean()
    await page.done()
  })

  test('in the middle of a form loses nothing that was entered', async () => {
    const page = await open(stoa, 'tom', { fresh: true })
    await page.goto('/w/logistics/projects/new')
    await page.locator('[name=displayName]').fill('Cold chain')
    await page.locator('[name=name]').fill('cold-chain')
    await page.context().clearCookies()
    await page.getByRole('button', { name: /Next|Create project/ }).click()
    await page.getByLabel('Password').waitFor()
    await page.fill('input[name=username]', 'tom')
    await page.fill('input[name=password]', PASSWORD)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.waitForURL(/\/w\/logistics\/projects/)
    await page.getByText('Cold chain').or(page.locator('input[value="Cold chain"]')).first().waitFor({ state: 'attached' })
    page.clean()
    await page.done()
  })
})
