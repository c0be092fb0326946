-- Thresholds by what they were certified under: processes with other models, prompts or another score side by
-- side keep each their own, and a look at the labels is counted for the task, the tier and what was looked at.
SET LOCAL lock_timeout = '5s';

-- Both are made again by the labels there are, within a minute.
TRUNCATE certificate, certification;

-- `basis` is a hash of scorer, models and prompt. `labels_until`: the newest decision when labels were last counted,
-- at `checked_at`; after `wanted` newer ones it is worth counting them again.
ALTER TABLE certification
    DROP CONSTRAINT certification_pkey,
    ADD COLUMN basis text NOT NULL,
    ADD COLUMN wanted integer NOT NULL,
    ADD COLUMN checked_at timestamptz NOT NULL DEFAULT now(),
    ADD PRIMARY KEY (tenant_id, basis);

ALTER TABLE certificate
    DROP CONSTRAINT certificate_pkey,
    ADD COLUMN basis text NOT NULL,
    ADD PRIMARY KEY (tenant_id, basis, task, tier, required);

-- Never deleted: whoever looks again at what was looked at before goes on counting.
CREATE TABLE certified_look (
    tenant_id uuid NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    basis text NOT NULL,
    task text NOT NULL,
    tier text NOT NULL,
    look integer NOT NULL CHECK (look > 0),
    labels integer NOT NULL,
    labels_until timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, basis, task, tier)
);

-- Those whose labels are to be counted: `enough` decisions or more, and never counted for this basis, or as many new
-- ones as were missing; or when another prompt was at work since, whose drafts are not to count.
DROP FUNCTION tenants_to_certify(text, text, text, int, int);
CREATE FUNCTION tenants_to_certify(now_basis text, now_prompt text, enough int)
RETURNS SETOF uuid LANGUAGE plpgsql SET search_path = ccos, pg_temp AS $$
DECLARE
    before text := coalesce(current_setting('ccos.tenant', true), '');
    bound uuid;
BEGIN
    FOR bound IN SELECT tenant_ids() LOOP
        PERFORM set_config('ccos.tenant', bound::text, true);
        IF EXISTS (SELECT FROM decision WHERE tenant_id = bound ORDER BY decided_at DESC OFFSET enough - 1 LIMIT 1)
           AND NOT EXISTS (
               SELECT FROM certification c
                WHERE c.tenant_id = bound AND c.basis = now_basis
                  AND NOT EXISTS (SELECT FROM decision d WHERE d.tenant_id = bound
                                     AND d.decided_at > coalesce(c.labels_until, '-infinity')
                                   ORDER BY d.decided_at OFFSET greatest(c.wanted, 1) - 1 LIMIT 1)
                  AND NOT EXISTS (SELECT FROM certification other
                                   WHERE other.tenant_id = bound AND other.prompt <> now_prompt
                                     AND other.checked_at > c.checked_at))
        THEN
            RETURN NEXT bound;
        END IF;
    END LOOP;
    PERFORM set_config('ccos.tenant', before, true);
END $$;

ALTER TABLE certified_look ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON certified_look USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);

GRANT SELECT, INSERT, UPDATE, DELETE ON certified_look TO ccos_app;
