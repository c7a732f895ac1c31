-- Who is bound where, in one value: the facet `holder` of a binding is `<uuid of the subject> <uuid of the target>`.
INSERT INTO facet (object, name, value, created_at)
    SELECT b.id, 'holder', s.target || ' ' || t.target, b.created_at FROM object b
    JOIN reference s ON s.source = b.id AND s.relation = 'subject'
    JOIN reference t ON t.source = b.id AND t.relation = 'target'
    WHERE b.kind IN ('meshWorkspaceUserBinding', 'meshWorkspaceGroupBinding', 'meshProjectUserBinding',
        'meshProjectGroupBinding');
