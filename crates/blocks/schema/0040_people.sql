-- What people look for and look at: when a step began and ended, and what a definition may be ordered for.
ALTER TABLE run_step ADD COLUMN started_at BIGINT;
ALTER TABLE run_step ADD COLUMN ended_at BIGINT;

INSERT INTO facet (object, name, value, created_at)
SELECT id, 'orderable', 'true', created_at FROM object
WHERE kind = 'meshBuildingBlockDefinition' AND doc NOT LIKE '%"useInLandingZonesOnly":true%';
INSERT INTO facet (object, name, value, created_at)
SELECT id, 'targetType', CASE WHEN doc LIKE '%"targetType":"TENANT_LEVEL"%' THEN 'TENANT_LEVEL' ELSE 'WORKSPACE_LEVEL' END,
    created_at FROM object
WHERE kind = 'meshBuildingBlockDefinition';
INSERT INTO facet (object, name, value, created_at)
SELECT o.id, 'platformType', p.key, o.created_at FROM object o
JOIN object p ON p.kind = 'meshPlatformType' AND p.deleted_at IS NULL AND o.doc LIKE '%"name":"' || p.key || '"%'
WHERE o.kind = 'meshBuildingBlockDefinition';
