-- What an item may be used for, the versions it had, which of them drafts stand on, and categories switched off.
SET LOCAL lock_timeout = '5s';

ALTER TABLE kb_item ADD COLUMN use text NOT NULL DEFAULT 'draft' CHECK (use IN ('draft', 'hint'));
CREATE INDEX kb_item_of_category ON kb_item (tenant_id, category)
    WHERE category IS NOT NULL AND archived_at IS NULL;

-- A version that another one took the place of; the newest is in kb_item. `passages`: [[heading, body], ...].
CREATE TABLE kb_version (
    tenant_id uuid NOT NULL,
    item_id uuid NOT NULL,
    version integer NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    url text,
    visibility text NOT NULL CHECK (visibility IN ('public', 'internal')),
    use text NOT NULL CHECK (use IN ('draft', 'hint')),
    locale text,
    updated_at timestamptz,
    valid_until timestamptz,
    category text,
    tags text[] NOT NULL DEFAULT '{}',
    passages jsonb NOT NULL,
    stored_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, item_id, version),
    FOREIGN KEY (tenant_id, item_id) REFERENCES kb_item (tenant_id, id) ON DELETE CASCADE
);

-- What a draft stands on: such a version is kept for as long as the draft is.
CREATE TABLE kb_citation (
    tenant_id uuid NOT NULL,
    item_id uuid NOT NULL,
    version integer NOT NULL,
    draft_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, item_id, version, draft_id),
    FOREIGN KEY (tenant_id, item_id) REFERENCES kb_item (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, draft_id) REFERENCES draft (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX kb_citation_of_draft ON kb_citation (tenant_id, draft_id);

-- Items of such a category, and of those below it, are not found. `path`: up to three levels, 'a > b > c'.
CREATE TABLE kb_category_off (
    tenant_id uuid NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    path text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, path)
);

CREATE FUNCTION kb_within(category text, path text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN category = path OR starts_with(category, path || ' > ');

CREATE FUNCTION kb_hidden(tenant uuid, category text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
RETURN EXISTS (SELECT FROM kb_category_off AS off WHERE off.tenant_id = tenant AND kb_within(category, off.path));

ALTER TABLE kb_version ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE kb_citation ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE kb_category_off ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE POLICY own_tenant ON kb_version USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);
CREATE POLICY own_tenant ON kb_citation USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);
CREATE POLICY own_tenant ON kb_category_off USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);

GRANT SELECT, INSERT, UPDATE, DELETE ON kb_version, kb_citation, kb_category_off TO ccos_app;
