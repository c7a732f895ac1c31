// A browser for the tests: pages of somebody who is signed in, watched for whatever should never happen.

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chromium } from 'playwright-core'
import { PASSWORD } from './stoa.mjs'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const PROGRAMS = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Sizes that the panel is made for. */
export const SIZES = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } }

let browser
const sessions = new Map()

/** The one browser of this process. */
export async function launched() {
  const executablePath = PROGRAMS.find((path) => path && existsSync(path))
  if (!executablePath) throw new Error('no chromium here: run `scripts/setup browser`, or set CHROMIUM to its path')
  // Kept before it is there: whoever asks meanwhile gets the same one.
  browser ??= chromium.launch({ executablePath, args: process.getuid() === 0 ? ['--no-sandbox'] : [] })
  return browser
}

/** Closes it, so that the test process can end. */
export async function closed() {
  await (await browser)?.close()
  browser = undefined
}

/** Signs somebody in through the form, and waits until they are; `open` does it without, for speed. */
export async function signIn(page, username, password = PASSWORD) {
  if (!page.url().includes('/login')) await page.goto('/login')
  await page.fill('input[name=username]', username)
  await page.fill('input[name=password]', password)
  await page.click('button[type=submit]:visible')
  await page.waitForURL((url) => !url.pathname.startsWith('/login'))
}

/**
 * A page of `user`, or of a stranger when there is none. It is watched: `page.clean()` fails when a script threw, a
 * dialog opened, the content policy was broken, or anything was asked of another address than the server and `also`.
 */
export async function open(stoa, user, { size = SIZES.desktop, colours = 'light', fresh = false, script = true, also = [] } = {}) {
  const known = user && !fresh ? sessions.get(`${stoa.url} ${user}`) : undefined
  const context = await (await launched()).newContext({
    baseURL: stoa.url,
    viewport: size,
    colorScheme: colours,
    reducedMotion: 'reduce',
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    javaScriptEnabled: script,
    ...(known && { storageState: known }),
  })
  context.setDefaultTimeout(Number(process.env.E2E_TIMEOUT ?? 10_000))
  const page = await context.newPage()
  const wrongs = watch(page, stoa.url, also)
  page.clean = () => assert.deepEqual(wrongs, [], 'nothing of this may happen in a page')
  page.done = () => context.close()
  if (user && !known) {
    const reply = await context.request.post('/api/stoa/v1/session', { data: { username: user, password: PASSWORD } })
    assert.equal(reply.status(), 201, `${user} signs in`)
    if (!fresh) sessions.set(`${stoa.url} ${user}`, await context.storageState())
  }
  return page
}

function watch(page, home, also) {
  const wrongs = []
  page.on('pageerror', (error) => wrongs.push(`script: ${error.message}`))
  page.on('dialog', (dialog) => {
    if (dialog.type() !== 'beforeunload') wrongs.push(`dialog: ${dialog.message()}`)
    dialog.accept().catch(() => {})
  })
  page.on('console', (message) => {
    const text = message.text()
    if (/Content.Security.Policy|Refused to/i.test(text)) wrongs.push(`policy: ${text}`)
  })
  page.on('request', (request) => {
    const url = request.url()
    const isOf = (address) => (place) => address.startsWith(`${place}/`)
    const isKnown = [home, ...also].some(isOf(url)) || url.startsWith('data:') || url.startsWith('blob:')
    // What others' pages load is theirs.
    const isTheirs = !request.isNavigationRequest() && also.some(isOf(request.frame().url()))
    if (!isKnown && !isTheirs) wrongs.push(`request: ${url}`)
  })
  return wrongs
}

/** What axe-core finds serious or critical on the page, one line each; `rules` keeps to some of its rules. */
export async function findings(page, rules) {
  // Evaluated from outside the page, so its content policy need not allow it.
  await page.evaluate(AXE)
  const { violations } = await page.evaluate((rules) => globalThis.axe.run(document, {
    resultTypes: ['violations'],
    ...(rules && { runOnly: { type: 'rule', values: rules } }),
  }), rules)
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, impact, help, nodes }) => nodes.slice(0, 3).map(({ target, failureSummary }) =>
      `${impact} ${id}: ${help}: ${target.join(' ')} ${failureSummary?.split('\n')[1]?.trim() ?? ''}`))
}

/** Fails when axe-core finds something serious or critical. */
export async function axe(page) {
  assert.deepEqual(await findings(page), [], `axe on ${page.url()}`)
}

/** By how many pixels the page is wider than the window. */
export function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
}
