// Finds what the seed has made, by the names it has for people: addresses of pages hold uuids.

/** Looks things up in the seeded organization. */
export async function known(admin) {
  const [blocks, definitions, tenants, runs, platforms, runners, integrations, communications] = await Promise.all([
    'meshbuildingblocks', 'meshbuildingblockdefinitions', 'meshtenants', 'meshbuildingblockruns', 'meshplatforms', 'meshbuildingblockrunners', 'meshintegrations', 'meshcommunications',
  ].map((kind) => admin.list(kind)))
  const named = (things, what) => (name) => {
    const found = things.find((thing) => thing.spec.displayName === name)
    if (!found) throw new Error(`the seed has no ${what} called ${name}`)
    return found.metadata.uuid
  }
  const block = named(blocks, 'block')
  return {
    block,
    definition: named(definitions, 'definition'),
    platform: named(platforms, 'platform'),
    runner: named(runners, 'runner'),
    integration: named(integrations, 'integration'),
    run: (name) => blocks.find((found) => found.metadata.uuid === block(name)).status.latestRunUuid,
    anyRun: () => runs[0].metadata.uuid,
    message: (workspace) => communications.find(({ metadata }) => metadata.ownedByWorkspace === workspace)?.metadata.uuid,
    tenant: (name) => tenants.find((tenant) => tenant.status.tenantName === name)?.metadata.uuid,
  }
}
