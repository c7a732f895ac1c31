// Forms of platform teams: services that pipelines carry out, quotas that somebody asks for, work that is done by hand.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { axe, closed, open } from './browser.mjs'
import { known } from './known.mjs'
import { shared } from './stoa.mjs'
import { until } from '../../../scripts/seed/client.mjs'

describe('a form of a platform team', async () => {
  let stoa
  let things
  before(async () => {
    stoa = await shared()
    things = await known(stoa.admin)
  })
  after(async () => {
    await closed()
    await stoa.stop()
  })

  const button = (page, name) => page.locator('main').getByRole('button', { name, exact: true }).first()
  const build = '/w/platform-team/build'

  const PIPELINES = {
    githubWorkflows: {
      named: 'GitHub',
      integration: { type: 'github', baseUrl: 'https://127.0.0.1:9', owner: 'orchard', appId: '17', appPrivateKey: 'a key of the app' },
      fields: { repository: 'presses', branch: 'main', applyWorkflow: 'apply.yml', destroyWorkflow: 'destroy.yml' },
    },
    gitlabPipeline: {
      named: 'GitLab',
      integration: { type: 'gitlab', baseUrl: 'https://127.0.0.1:9' },
      fields: { projectId: '42', refName: 'main', pipelineTriggerToken: 'glptt-kept' },
    },
    azureDevOpsPipeline: {
      named: 'Azure DevOps',
      integration: { type: 'azuredevops', baseUrl: 'https://127.0.0.1:9', organization: 'orchard', personalAccessToken: 'a token of a person' },
      fields: { project: 'presses', pipelineId: '7', refName: 'main' },
    },
  }

  test('tells what a pipeline carries out, keeps it, and says whether its system answers', { timeout: 120_000 }, async () => {
    const page = await open(stoa, 'jonas')
    for (const [kind, { named, integration, fields }] of Object.entries(PIPELINES)) {
      const { type, ...connection } = integration
      await page.goto(`${build}/integrations/new?type=${type}`)
      await page.locator('[name=displayName]').fill(`${named} of the orchard`)
      for (const [name, value] of Object.entries(connection)) await page.locator(`[name=${name}]`).fill(value)
      await button(page, 'Create integration').click()
      await page.waitForURL((url) => !url.pathname.endsWith('/new'))
      await page.getByText(`${named} of the orchard`).first().waitFor()

      await page.goto(`${build}/definitions/new`)
      await page.locator('[name=displayName]').fill(`Press by ${named}`)
      await page.locator('[name=description]').fill('A press that a pipeline sets up')
      await page.locator('[name=targetType]').selectOption('WORKSPACE_LEVEL')
      await button(page, 'Create definition').click()
      await page.waitForURL(/\/definitions\/[0-9a-f-]{36}\/implementation/)
      const at = page.url().replace(/\/implementation.*/, '')
      await page.locator('[name=type]').first().selectOption(kind)
      await button(page, 'Show its settings').click()
      await page.waitForURL(new RegExp(`type=${kind}`))
      // What is missing is said, and nothing of the rest is lost.
      const [[first, value]] = Object.entries(fields)
      await page.locator('[name=integrationRef]').selectOption({ label: `${named} of the orchard` })
      await page.locator(`[name=${first}]`).fill(value)
      await button(page, 'Save draft').click()
      await page.locator('main :is(input, select, textarea):invalid').first().waitFor()
      assert.equal(await page.locator(`[name=${first}]`).inputValue(), value)
      for (const [name, text] of Object.entries(fields)) await page.locator(`[name=${name}]`).fill(text)
      await button(page, 'Save draft').click()
      await page.getByText('The draft is saved.').first().waitFor()
      await page.goto(`${at}/implementation`)
      for (const [name, text] of Object.entries(fields)) {
        const shown = await page.locator(`[name=${name}]`).inputValue()
        assert.equal(shown, name.endsWith('Token') ? '' : text, name)
      }
      assert.ok(!(await page.content()).includes('glptt-kept'), 'a secret never reaches the browser')
      await button(page, 'Test connection').click()
      // Addresses of the server's own network are not asked, and whether the credentials do is the runner's to tell.
      await page.getByText('private address').first().waitFor()
      await page.getByText('Only the runner can tell').first().waitFor()
      if (kind === 'githubWorkflows') await axe(page)
    }
    page.clean()
    await page.done()
  })

  test('grants the quotas that a team asks for, and declines with a word', async () => {
    const tenant = things.tenant('shop.storefront.spaces-berlin.in-house')
    const team = await open(stoa, 'ada')
    const operator = await open(stoa, 'jonas')
    const quotas = `/w/shop/p/storefront/t/${tenant}/quotas`
    const ask = async (objects) => {
      await team.goto(quotas)
      await team.locator('[name="quota.objects"]').fill(String(objects))
      await button(team, 'Ask for these values').click()
      await team.getByText(`objects: ${objects}`).first().waitFor()
      await operator.goto(`${build}/quotas`)
      await operator.locator('main').getByRole('link', { name: /storefront/ }).first().click()
      await operator.getByText('asks for other quotas').first().waitFor()
    }
    await ask(4000)
    await button(operator, 'Decline').click()
    await operator.locator('main :is(input, select, textarea):invalid').first().waitFor()
    await operator.locator('[name=comment]').fill('Tidy up first')
    await button(operator, 'Decline').click()
    await operator.getByText('Decided.').first().waitFor()
    await team.goto(quotas)
    await team.getByText('Tidy up first').first().waitFor()

    await ask(3000)
    await operator.locator('[name="quota.objects"]').fill('2000')
    await operator.locator('[name=comment]').fill('Two thousand for now')
    await button(operator, 'Grant').click()
    await operator.getByText('Decided.').first().waitFor()
    await until('the quota is in force', async () => {
      const { status } = await stoa.admin.get(`/api/meshobjects/meshtenants/${tenant}`)
      return JSON.stringify(status).includes('2000')
    })
    await team.goto(quotas)
    await team.getByText('Now 2000').first().waitFor()
    for (const page of [team, operator]) {
      page.clean()
      await page.done()
    }
  })

  test('says how what was done by hand ended, and what came out', async () => {
    const own = { ownedByWorkspace: 'platform-team' }
    const { spec: { publicKey } } = await stoa.admin.get(`/api/meshobjects/meshbuildingblockrunners/${things.runner('GitHub runner')}`)
    const runner = await stoa.admin.post('/api/meshobjects/meshbuildingblockrunners', {
      metadata: own, spec: { displayName: 'Our hands', implementationType: 'MANUAL', restriction: 'PRIVATE', publicKey },
    })
    const definition = await stoa.admin.post('/api/meshobjects/meshbuildingblockdefinitions', {
      metadata: own, spec: { displayName: 'Shelf in the cellar', description: 'Room for boxes', runTransparency: true },
    })
    const input = { displayName: 'Boxes', type: 'STRING', assignmentType: 'USER_INPUT', isEnvironment: false, isSensitive: false, updateableByConsumer: true }
    const version = definition.status.latestVersionUuid
    await stoa.admin.put(`/api/meshobjects/meshbuildingblockdefinitionversions/${version}`, {
      metadata: own,
      spec: {
        buildingBlockDefinitionRef: { uuid: definition.metadata.uuid }, state: 'RELEASED', onlyApplyOncePerTenant: false,
        deletionMode: 'PURGE', implementation: { type: 'manual' }, inputs: { boxes: input }, outputs: {},
        runnerRef: { uuid: runner.metadata.uuid },
      },
    })
    const claimed = async (name) => {
      const block = await stoa.admin.post('/api/meshobjects/meshbuildingblocks', {
        spec: {
          buildingBlockDefinitionVersionRef: { uuid: version }, targetRef: { kind: 'meshWorkspace', name: 'platform-team' },
          displayName: name, inputs: { boxes: { value: 'twelve' } },
        },
      })
      const claim = await fetch(`${stoa.admin.url}/api/meshobjects/meshbuildingblockruns/create?forRunnerUuid=${runner.metadata.uuid}`, {
        method: 'POST',
        headers: { ...(await stoa.admin.credentials()), Accept: 'application/vnd.meshcloud.api.meshbuildingblockrun.v1.hal+json' },
      })
      assert.equal(claim.status, 201)
      return [block.metadata.uuid, (await claim.json()).metadata.uuid]
    }
    const page = await open(stoa, 'jonas')
    const status = async (block) => (await stoa.admin.get(`/api/meshobjects/meshbuildingblocks/${block}`)).status

    const [shelf, run] = await claimed('Shelf for apples')
    await page.goto(`${build}/runs/${run}`)
    await page.getByText('Complete this run').first().waitFor()
    await page.locator('[name=message]').fill('Behind the door')
    await page.locator('[name="output.boxes"]').fill('eleven, one was broken')
    await axe(page)
    await button(page, 'It succeeded').click()
    await page.getByText('Behind the door').first().waitFor()
    assert.equal((await status(shelf)).status, 'SUCCEEDED')
    assert.equal((await status(shelf)).outputs.boxes.value, 'eleven, one was broken')
    assert.equal(await button(page, 'It succeeded').count(), 0, 'what is over is not completed again')

    const [full, failed] = await claimed('Shelf for pears')
    await page.goto(`${build}/runs/${failed}`)
    await page.locator('[name=message]').fill('No room is left')
    await button(page, 'It failed').click()
    await page.getByText('No room is left').first().waitFor()
    assert.equal((await status(full)).status, 'FAILED')
    page.clean()
    await page.done()
  })
})
