-- Thresholds that a tenant's own labels certify, with their evidence, and what they were certified for.
SET LOCAL lock_timeout = '5s';

-- `threshold` NULL: the labels certify nothing, so everything needs review. `tier` 'any': all tiers together.
CREATE TABLE certificate (
    tenant_id uuid NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    task text NOT NULL,
    tier text NOT NULL,
    required double precision NOT NULL,
    threshold double precision,
    labels integer NOT NULL,
    accepted integer NOT NULL,
    bad integer NOT NULL,
    risk_bound double precision,
    confidence double precision NOT NULL,
    scorer text NOT NULL,
    fingerprint text NOT NULL,
    look integer NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, task, tier, required)
);

-- The last certification of a tenant. It holds for one scorer, set of models and version of the prompts:
-- labels of drafts made before `prompt_since` do not count. Labels decided before `labels_since` were set aside
-- when knowledge or policy changed. `look` counts the times that new labels were looked at.
CREATE TABLE certification (
    tenant_id uuid PRIMARY KEY REFERENCES tenant (id) ON DELETE CASCADE,
    scorer text NOT NULL,
    models text NOT NULL,
    prompt text NOT NULL,
    policy text NOT NULL,
    kb_epoch bigint NOT NULL,
    prompt_since timestamptz,
    labels_since timestamptz,
    labels_until timestamptz,
    labels integer NOT NULL,
    look integer NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now()
);

-- What a tenant's people decide by, and what answers stand on: it changes with every setting and publication.
CREATE FUNCTION certified_for(OUT policy text, OUT kb_epoch bigint) LANGUAGE sql STABLE
    SET search_path = ccos, pg_temp AS $$
    SELECT (SELECT md5(settings::text) FROM tenant WHERE id = current_setting('ccos.tenant')::uuid),
           (SELECT coalesce(max(seq), 0) FROM kb_change WHERE tenant_id = current_setting('ccos.tenant')::uuid) $$;

-- Those whose thresholds are to be certified (again): `enough` decisions or more, and `fresh` new ones or another
-- scorer, model, prompt, policy or knowledge than last time.
CREATE FUNCTION tenants_to_certify(now_scorer text, now_models text, now_prompt text, enough int, fresh int)
RETURNS SETOF uuid LANGUAGE plpgsql SET search_path = ccos, pg_temp AS $$
DECLARE
    before text := coalesce(current_setting('ccos.tenant', true), '');
    bound uuid;
BEGIN
    FOR bound IN SELECT tenant_ids() LOOP
        PERFORM set_config('ccos.tenant', bound::text, true);
        IF EXISTS (SELECT FROM decision WHERE tenant_id = bound ORDER BY decided_at DESC OFFSET enough - 1 LIMIT 1)
           AND NOT EXISTS (
               SELECT FROM certification c, certified_for() f
                WHERE c.tenant_id = bound AND c.scorer = now_scorer AND c.models = now_models
                  AND c.prompt = now_prompt AND c.policy = f.policy AND c.kb_epoch = f.kb_epoch
                  AND NOT EXISTS (SELECT FROM decision d WHERE d.tenant_id = bound
                                     AND d.decided_at > coalesce(c.labels_until, '-infinity')
                                   ORDER BY d.decided_at OFFSET fresh - 1 LIMIT 1))
        THEN
            RETURN NEXT bound;
        END IF;
    END LOOP;
    PERFORM set_config('ccos.tenant', before, true);
END $$;

-- Those that were certified since.
CREATE FUNCTION tenants_certified_since(moment timestamptz) RETURNS SETOF uuid
LANGUAGE plpgsql SET search_path = ccos, pg_temp AS $$
DECLARE
    before text := coalesce(current_setting('ccos.tenant', true), '');
    bound uuid;
BEGIN
    FOR bound IN SELECT tenant_ids() LOOP
        PERFORM set_config('ccos.tenant', bound::text, true);
        IF EXISTS (SELECT FROM certification WHERE tenant_id = bound AND made_at >= moment) THEN
            RETURN NEXT bound;
        END IF;
    END LOOP;
    PERFORM set_config('ccos.tenant', before, true);
END $$;

ALTER TABLE certificate ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE certification ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON certificate USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);
CREATE POLICY own_tenant ON certification USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);

GRANT SELECT, INSERT, UPDATE, DELETE ON certificate, certification TO ccos_app;
