// Whatever people and programs write stays text: names, Markdown, messages, logs, outputs and addresses never run, never
// open a dialog, never make the browser ask anybody else.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { closed, open } from './browser.mjs'
import { handedOver } from '../../../scripts/seed/orders.mjs'
import { shared } from './stoa.mjs'

const SCRIPT = `"'><script>pwned=1;alert(1)</script><img src=x onerror="pwned=1;alert(2)"><svg onload=alert(3)>{{7*7}}`
const MARKDOWN = [
  '# Hello <script>pwned=1</script>',
  '[a link](javascript:pwned=1;alert(4)) ![an image](https://elsewhere.example/spy.png) [data](data:text/html,<script>alert(5)</script>)',
  '<iframe src="https://elsewhere.example"></iframe><form action="https://elsewhere.example"><button>press</button></form>',
  '<a href="x" onclick="pwned=1" style="position:fixed;inset:0">cover</a><style>body{display:none}</style>',
  '<base href="https://elsewhere.example"><meta http-equiv="refresh" content="0;url=https://elsewhere.example">',
  '[vb](vbscript:alert(6)) <math><mtext><style><img src=x onerror=alert(7)></style></mtext></math>',
].join('\n\n')

describe('what is hostile', async () => {
  let stoa
  let block
  let definition
  let run

  before(async () => {
    stoa = await shared()
    const { admin } = stoa
    const post = (path, body) => admin.post(`/api/meshobjects/${path}`, body)
    await post('meshworkspaces', { apiVersion: 'v2', kind: 'meshWorkspace', metadata: { name: 'hostile', tags: { costCenter: ['6660'] } }, spec: { displayName: SCRIPT, platformBuilderAccessEnabled: true } })
    await post('meshworkspacebindings/userbindings', { apiVersion: 'v2', kind: 'meshWorkspaceUserBinding', metadata: { name: 'hostile-jonas' }, roleRef: { name: 'Workspace Owner' }, targetRef: { name: 'hostile' }, subject: { name: 'jonas' } })
    await post('meshprojects', { apiVersion: 'v2', kind: 'meshProject', metadata: { name: 'trap', ownedByWorkspace: 'hostile' }, spec: { displayName: '<img src=x onerror=alert(20)>', tags: { environment: ['test'] } } })
    const made = await post('meshbuildingblockdefinitions', {
      kind: 'meshBuildingBlockDefinition',
      metadata: { ownedByWorkspace: 'hostile', tags: {} },
      spec: { displayName: SCRIPT, description: SCRIPT, readme: MARKDOWN, targetType: 'WORKSPACE_LEVEL', runTransparency: true, supportUrl: 'https://desk.example.org/?q="><script>alert(8)</script>', symbol: 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIG9ubG9hZD0iYWxlcnQoOSkiLz4=' },
    })
    definition = made.metadata.uuid
    const field = (displayName, more) => ({ displayName, description: MARKDOWN.slice(0, 250), type: 'STRING', assignmentType: 'USER_INPUT', isEnvironment: false, isSensitive: false, updateableByConsumer: true, ...more })
    const drafts = await admin.list(`meshbuildingblockdefinitionversions?buildingBlockDefinitionUuid=${definition}`)
    const draft = drafts.find(({ spec }) => spec.buildingBlockDefinitionRef.uuid === definition)
    const version = await admin.put(`/api/meshobjects/meshbuildingblockdefinitionversions/${draft.metadata.uuid}`, {
      kind: 'meshBuildingBlockDefinitionVersion',
      metadata: { ownedByWorkspace: 'hostile' },
      spec: {
        buildingBlockDefinitionRef: { uuid: definition }, state: 'RELEASED', onlyApplyOncePerTenant: false, deletionMode: 'DELETE',
        implementation: { type: 'terraform', terraform: { terraformVersion: '1.6.2', repositoryUrl: await repository(), repositoryPath: 'organization/module', refName: 'main', async: true, useMeshHttpBackendFallback: true } },
        inputs: {
          name: field(SCRIPT, { defaultValue: 'trap' }),
          plan: field('<b>Plan</b>', { type: 'SINGLE_SELECT', selectableValues: [SCRIPT, 'small'], defaultValue: SCRIPT }),
          service: field('Service', { assignmentType: 'STATIC', argument: 'trap', updateableByConsumer: false }),
        },
        outputs: {
          url: { displayName: SCRIPT, type: 'STRING', assignmentType: 'RESOURCE_URL' },
          open: { displayName: 'Open', type: 'STRING', assignmentType: 'SIGN_IN_URL' },
          text: { displayName: 'Text', type: 'STRING', assignmentType: 'NONE' },
          summary: { displayName: 'Summary', type: 'STRING', assignmentType: 'SUMMARY' },
        },
      },
    })
    const ordered = await post('meshbuildingblocks', { apiVersion: 'v2-preview', kind: 'meshBuildingBlock', spec: { displayName: SCRIPT, targetRef: { kind: 'meshWorkspace', name: 'hostile' }, buildingBlockDefinitionVersionRef: { uuid: version.metadata.uuid }, inputs: { name: { value: 'trap', isSensitive: false } } } })
    block = ordered.metadata.uuid
    run = await handedOver(admin, block)
    const source = `/api/meshobjects/meshbuildingblockruns/${run}/status/source`
    await admin.post(source, { source: { id: 'evil', externalRunId: SCRIPT, externalRunUrl: 'javascript:alert(10)' }, steps: [] })
    const text = (value) => ({ value, type: 'STRING' })
    await admin.patch(`${source}/evil`, { status: 'SUCCEEDED', summary: SCRIPT, steps: [{
      id: 'x', displayName: SCRIPT, status: 'SUCCEEDED', userMessage: `${SCRIPT} ${MARKDOWN}`, systemMessage: `\u001b[31m${SCRIPT}\u001b[0m\u001b]8;;javascript:alert(11)\u0007link\u001b]8;;\u0007\n${MARKDOWN}\n`,
      outputs: { url: text('javascript:alert(12)//https://x'), open: text('data:text/html,<script>alert(13)</script>'), text: text(SCRIPT), summary: text(MARKDOWN) },
    }] })
    const told = await post('meshcommunicationdefinitions', { spec: { communication: { title: SCRIPT, message: MARKDOWN, type: 'NOTIFICATION' } } })
    await post('meshcommunications', { spec: { communicationDefinitionRef: { uuid: told.metadata.uuid }, targetMeshObjectRef: { kind: 'meshWorkspace', name: 'hostile' } } })
  })
  after(async () => {
    await closed()
    await stoa.stop()
  })

  /** The repository that the seed's definitions name. */
  async function repository() {
    const versions = await stoa.admin.list('meshbuildingblockdefinitionversions')
    return versions.find(({ spec }) => spec.implementation?.terraform?.repositoryPath === 'organization/module').spec.implementation.terraform.repositoryUrl
  }

  async function harmless(page, path) {
    await page.goto(path)
    await page.waitForTimeout(150)
    assert.equal(await page.evaluate(() => globalThis.pwned), undefined, `${path} ran what was stored`)
    const bad = await page.evaluate(() => [...document.querySelectorAll('main [href], main [src], main [action]')]
      .flatMap((element) => [element.getAttribute('href'), element.getAttribute('src'), element.getAttribute('action')])
      .filter((address) => address && (/^\s*(javascript|vbscript|data:text)/i.test(address) || /elsewhere\.example/.test(address) && !/^https:/.test(address))))
    assert.deepEqual(bad, [], `${path} has addresses that run`)
    const inserted = await page.evaluate(() => document.querySelectorAll('main iframe, main base, main style, main [onclick], main [onerror], main [onload], main form[action*="elsewhere"]').length)
    assert.equal(inserted, 0, `${path} took over stored markup`)
    page.clean()
  }

  test('stays text for its owner', async () => {
    const page = await open(stoa, 'jonas')
    const w = '/w/hostile'
    for (const path of [w, `${w}/projects`, `${w}/p/trap`, `${w}/blocks`, `${w}/b/${block}`, `${w}/b/${block}/inputs`, `${w}/b/${block}/runs`, `${w}/b/${block}/runs/${run}`,
      `${w}/market`, `${w}/market/${definition}`, `${w}/market/${definition}/order`, `${w}/settings`, `${w}/access`, `${w}/compliance/events`,
      `${w}/build`, `${w}/build/definitions`, `${w}/build/definitions/${definition}`, `${w}/build/blocks`, `${w}/build/runs`, '/home']) await harmless(page, path)
    await page.done()
  })

  test('stays text for administrators and other teams', async () => {
    const page = await open(stoa, 'ingrid')
    for (const path of ['/admin', '/admin/workspaces', '/admin/projects', '/admin/definitions', '/admin/blocks', `/admin/blocks/${block}`, '/admin/runs', `/admin/runs/${run}`, '/admin/events', '/admin/communications', '/admin/reviews']) await harmless(page, path)
    await page.done()
    const other = await open(stoa, 'ada')
    for (const path of ['/w/shop/market', `/w/shop/market/${definition}`, `/w/shop/market/${definition}/order`]) await harmless(other, path)
    await other.done()
  })

  test('is no script in a search or an address', async () => {
    const page = await open(stoa, 'ada')
    for (const path of ['/w/shop/projects', '/w/shop/blocks', '/w/shop/market', '/admin/workspaces', '/w/shop/p/nothing', '/w/nobody']) {
      await harmless(page, `${path}?q=${encodeURIComponent(SCRIPT)}&page=${encodeURIComponent(SCRIPT)}&sort=${encodeURIComponent(SCRIPT)}`)
    }
    await page.done()
  })
})
