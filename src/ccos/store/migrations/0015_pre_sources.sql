-- Where knowledge is fetched from, how far each pass has come, and which items came from which source.
SET LOCAL lock_timeout = '5s';

-- `secret` says where the token is kept (env:NAME or file:PATH); the token itself is never stored. A pass that was
-- begun keeps `since` and `position`, so that whoever goes on after a kill begins where the last page ended. `run` is
-- the fence of whoever is at it, and holds while `beat_at` is young.
CREATE TABLE kb_source (
    tenant_id uuid NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('zendesk', 'zammad', 'chatwoot', 'website')),
    content text NOT NULL CHECK (content IN ('kb', 'case')),
    address text NOT NULL,
    options jsonb NOT NULL DEFAULT '{}',
    secret text CHECK (secret ~ '^(env|file):'),
    every_seconds integer CHECK (every_seconds >= 300),
    mark text,
    since text,
    position jsonb,
    pass integer NOT NULL DEFAULT 0,
    underway boolean NOT NULL DEFAULT false,
    run uuid,
    beat_at timestamptz,
    requested_at timestamptz,
    requested_full boolean NOT NULL DEFAULT false,
    next_at timestamptz,
    last_run_at timestamptz,
    last_full_at timestamptz,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, name)
);

-- `pass` is the last one in which the source still had the item: what an ended full pass has not seen is gone there.
CREATE TABLE kb_source_item (
    tenant_id uuid NOT NULL,
    source_id uuid NOT NULL,
    external_id text NOT NULL,
    pass integer NOT NULL,
    PRIMARY KEY (tenant_id, source_id, external_id),
    FOREIGN KEY (tenant_id, source_id) REFERENCES kb_source (tenant_id, id) ON DELETE CASCADE
);

ALTER TABLE kb_source ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE kb_source_item ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON kb_source USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);
CREATE POLICY own_tenant ON kb_source_item USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);

GRANT SELECT, INSERT, UPDATE, DELETE ON kb_source, kb_source_item TO ccos_app;

-- Those with a source that somebody asked to sync, or whose time has come, and that nobody is at.
CREATE FUNCTION tenants_to_sync(silent_seconds float8) RETURNS SETOF uuid
LANGUAGE plpgsql SET search_path = ccos, pg_temp AS $$
DECLARE
    before text := coalesce(current_setting('ccos.tenant', true), '');
    bound uuid;
BEGIN
    FOR bound IN SELECT tenant_ids() LOOP
        PERFORM set_config('ccos.tenant', bound::text, true);
        IF EXISTS (SELECT FROM kb_source
                    WHERE tenant_id = bound AND (requested_at <= now() OR next_at <= now())
                      AND (run IS NULL OR beat_at < now() - make_interval(secs => silent_seconds)))
        THEN
            RETURN NEXT bound;
        END IF;
    END LOOP;
    PERFORM set_config('ccos.tenant', before, true);
END $$;
