// Orders what the teams of the organization have, and plays the people and pipelines that move it on.

import { until } from './client.mjs'

const RUNS = '/api/meshobjects/meshbuildingblockruns'
const BLOCKS = '/api/meshobjects/meshbuildingblocks'
const AT_REST = ['SUCCEEDED', 'FAILED', 'ABORTED']

/** Orders each tenant that is not there yet; those that are to be deleted come back. */
export async function tenants(admin, wanted) {
  // Tenants that are to be deleted are listed apart.
  const leavers = await admin.get('/api/stoa/v1/tenants/deletions')
  const there = [...(await admin.list('meshtenants')), ...leavers._embedded.meshTenants]
  const platforms = await admin.list('meshplatforms')
  const uuid = (name) => platforms.find(({ metadata, spec }) => `${metadata.name}.${spec.locationRef.name}` === name)?.metadata.uuid
  const leaving = []
  for (const { workspace, project, platform, landingZone, quotas = {}, delete: goes } of wanted) {
    const found = there.find((tenant) => tenant.status?.tenantName === `${workspace}.${project}.${platform}`)
    const tenant = found ?? (await admin.post('/api/meshobjects/meshtenants', {
      apiVersion: 'v4',
      kind: 'meshTenant',
      metadata: { ownedByWorkspace: workspace, ownedByProject: project },
      spec: {
        platformRef: { kind: 'meshPlatform', uuid: uuid(platform) },
        landingZoneRef: { kind: 'meshLandingZone', name: landingZone },
        requestedQuotas: Object.fromEntries(Object.entries(quotas).map(([key, value]) => [key, { value }])),
      },
    }))
    if (goes && !found) leaving.push({ workspace, uuid: tenant.metadata.uuid })
  }
  return leaving
}

/** Asks for the deletion of a tenant, once it is ready. */
export async function leave(team, uuid) {
  const path = `/api/meshobjects/meshtenants/${uuid}`
  await until(`tenant ${uuid} is ready`, async () => (await team.get(path)).spec.platformTenantId)
  await team.delete(path)
}

/** Has its team order every block that is not there yet, and brings it to where it should stand. */
export async function blocks(admin, { blocks: wanted, plays }, teamOf) {
  const teams = new Map()
  const versions = await versionsByName(admin)
  const there = await admin.list('meshbuildingblocks')
  const uuids = new Map(there.map((block) => [`${block.metadata.ownedByWorkspace}/${block.spec.displayName}`, block.metadata.uuid]))
  // What is deleted is not listed any more, but its runs are.
  const earlier = (await admin.list('meshbuildingblockruns')).map(({ spec: { buildingBlock: { uuid, spec } } }) => [`${spec.workspaceIdentifier}/${spec.displayName}`, uuid])
  for (const [name, uuid] of earlier) if (!uuids.has(name)) uuids.set(name, uuid)
  const fresh = []
  for (const order of wanted) {
    const name = `${order.workspace}/${order.name}`
    if (uuids.has(name)) continue
    if (!teams.has(order.workspace)) teams.set(order.workspace, await teamOf(order.workspace))
    const made = await teams.get(order.workspace).post(BLOCKS, body(order, versions, uuids))
    uuids.set(name, made.metadata.uuid)
    fresh.push({ ...order, uuid: made.metadata.uuid })
  }
  await Promise.all(fresh.map((order) => settle(admin, order, plays)))
  return fresh.length
}

async function versionsByName(admin) {
  const definitions = await admin.list('meshbuildingblockdefinitions')
  const names = new Map(definitions.map((definition) => [definition.metadata.uuid, definition.spec.displayName]))
  const versions = await admin.list('meshbuildingblockdefinitionversions')
  return new Map(versions.map(({ metadata, spec }) => [`${names.get(spec.buildingBlockDefinitionRef.uuid)}@${spec.versionNumber}`, { uuid: metadata.uuid, definition: spec.buildingBlockDefinitionRef.uuid }]))
}

function body(order, versions, uuids) {
  const version = versions.get(`${order.definition}@${order.version}`)
  if (!version) throw new Error(`${order.definition} has no version ${order.version}`)
  return {
    kind: 'meshBuildingBlock',
    apiVersion: 'v2-preview',
    spec: {
      displayName: order.name,
      targetRef: { kind: 'meshWorkspace', name: order.workspace },
      buildingBlockDefinitionVersionRef: { uuid: version.uuid },
      parentBuildingBlockRefs: (order.parents ?? []).map((name) => ({ uuid: uuids.get(`${order.workspace}/${name}`) })),
      inputs: inputs(order.inputs),
    },
  }
}

/** `{"secret": NAME}` stands for what the environment has under that name. */
function inputs(values) {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, value?.secret
    ? { value: { plaintext: process.env[value.secret] }, isSensitive: true }
    : { value, isSensitive: false }]))
}

const block = (admin, uuid) => admin.get(`${BLOCKS}/${uuid}`)

/** Waits until a block is at rest, and says where. */
async function rest(admin, uuid) {
  return until(`block ${uuid} comes to rest`, async () => {
    const found = await block(admin, uuid)
    return AT_REST.includes(found.status.status) && found.status.status
  })
}

async function settle(admin, order, plays) {
  if (order.answer) {
    await until(`${order.name} waits for its operator`, async () => (await block(admin, order.uuid)).status.status === 'WAITING_FOR_OPERATOR_INPUT')
    await change(admin, order.uuid, order.answer)
    await rest(admin, order.uuid)
  }
  if (order.play) await play(admin, order, plays[order.play])
  if (order.change) {
    await rest(admin, order.uuid)
    await change(admin, order.uuid, order.change)
    await until(`${order.name} runs again`, async () => (await runsOf(admin, order.uuid)).length > 1)
  }
  if (order.delete) await admin.delete(`${BLOCKS}/${order.uuid}`)
  const { status } = (await block(admin, order.uuid)).status
  if (['PENDING', 'IN_PROGRESS'].includes(status) && order.definition !== 'Source repository' && order.play !== 'started') await rest(admin, order.uuid)
}

const runsOf = (admin, uuid) => admin.list(`meshbuildingblockruns?buildingBlockUuid=${uuid}`)

async function change(admin, uuid, values) {
  const found = await block(admin, uuid)
  const kept = Object.entries(found.spec.inputs).filter(([, input]) => !input.isSensitive).map(([key, input]) => [key, { value: input.value, isSensitive: false }])
  await admin.put(`${BLOCKS}/${uuid}`, {
    kind: found.kind,
    apiVersion: found.apiVersion,
    metadata: found.metadata,
    spec: { ...found.spec, inputs: { ...Object.fromEntries(kept), ...inputs(values) } },
  })
}

/** The run of a block, once the runner has done its part and waits for somebody else. */
export async function handedOver(admin, block) {
  return until(`the run of block ${block} is handed over`, async () => {
    const { latestRunUuid } = (await admin.get(`${BLOCKS}/${block}`)).status
    if (!latestRunUuid) return false
    const { steps } = await admin.get(`${RUNS}/${latestRunUuid}/logs`)
    return steps.some(({ id, status }) => id === 'trigger' && status === 'SUCCEEDED') && latestRunUuid
  })
}

/** Plays the pipeline of a virtual machine, as one outside would: announce the steps, report them, end. */
async function play(admin, order, { status, steps }) {
  const uuid = await handedOver(admin, order.uuid)
  const source = `${RUNS}/${uuid}/status/source`
  const announced = steps.map(({ id, displayName }) => ({ id, displayName, status: 'PENDING' }))
  await admin.post(source, { source: { id: 'pipeline', externalRunId: order.name, externalRunUrl: `https://pipelines.example.org/machines/${uuid}` }, steps: announced })
  for (const step of steps.filter((step) => step.status !== 'PENDING')) {
    await admin.patch(`${source}/pipeline`, { status: 'IN_PROGRESS', steps: [step] })
  }
  if (status !== 'IN_PROGRESS') await admin.patch(`${source}/pipeline`, { status, steps: [] })
  if (order.play === 'abort') await admin.post(`${RUNS}/${uuid}/abort`)
}
