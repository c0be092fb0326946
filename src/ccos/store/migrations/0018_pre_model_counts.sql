-- What is counted of tiers, by the model that answered: what one model did says nothing of the one that came after it.
-- `plan_count` and `plan_add` stay for servers of the release before, which may still run beside these.
SET LOCAL lock_timeout = '5s';

CREATE TABLE model_count (
    tenant_id uuid NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    task text NOT NULL,
    intent text NOT NULL,
    language text NOT NULL,
    tier text NOT NULL,
    model text NOT NULL,
    accepted bigint NOT NULL DEFAULT 0,
    refused bigint NOT NULL DEFAULT 0,
    approved bigint NOT NULL DEFAULT 0,
    lightly_edited bigint NOT NULL DEFAULT 0,
    rewritten bigint NOT NULL DEFAULT 0,
    rejected bigint NOT NULL DEFAULT 0,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, task, intent, language, tier, model)
);
CREATE INDEX model_count_changed ON model_count (tenant_id, changed_at);
-- What was counted long ago fades, as it did in plan_count.
CREATE TRIGGER model_count_forgets BEFORE INSERT OR UPDATE ON model_count
    FOR EACH ROW EXECUTE FUNCTION plan_count_forgets();

-- Writes one batch of decisions and answers, for any number of tenants; false when it was written before.
CREATE FUNCTION model_count_add(writer uuid, batch bigint, decisions jsonb, counts jsonb) RETURNS boolean
LANGUAGE plpgsql SET search_path = ccos, pg_temp AS $$
DECLARE
    before text := coalesce(current_setting('ccos.tenant', true), '');
    of_tenant uuid;
BEGIN
    IF NOT plan_add(writer, batch, decisions, '[]') THEN
        RETURN false;
    END IF;
    FOR of_tenant IN SELECT DISTINCT (row ->> 'tenant_id')::uuid AS id
                       FROM jsonb_array_elements(counts) AS row ORDER BY id LOOP
        PERFORM set_config('ccos.tenant', of_tenant::text, true);
        PERFORM FROM tenant WHERE id = of_tenant;
        CONTINUE WHEN NOT FOUND;
        INSERT INTO model_count AS c (tenant_id, task, intent, language, tier, model, accepted, refused)
        SELECT of_tenant, row ->> 'task', row ->> 'intent', row ->> 'language', row ->> 'tier', row ->> 'model',
               (row ->> 'accepted')::bigint, (row ->> 'refused')::bigint
          FROM jsonb_array_elements(counts) AS row WHERE (row ->> 'tenant_id')::uuid = of_tenant
         ORDER BY row ->> 'task', row ->> 'intent', row ->> 'language', row ->> 'tier', row ->> 'model'
        ON CONFLICT (tenant_id, task, intent, language, tier, model) DO UPDATE
           SET accepted = c.accepted + excluded.accepted, refused = c.refused + excluded.refused,
               changed_at = now();
    END LOOP;
    PERFORM set_config('ccos.tenant', before, true);
    RETURN true;
END $$;

-- Every tenant's counts that changed since, looked at as each tenant in turn.
CREATE FUNCTION model_counts_since(moment timestamptz) RETURNS SETOF model_count
LANGUAGE plpgsql SET search_path = ccos, pg_temp AS $$
DECLARE
    before text := coalesce(current_setting('ccos.tenant', true), '');
    bound uuid;
BEGIN
    FOR bound IN SELECT tenant_ids() LOOP
        PERFORM set_config('ccos.tenant', bound::text, true);
        RETURN QUERY SELECT * FROM model_count WHERE tenant_id = bound AND changed_at >= moment;
    END LOOP;
    PERFORM set_config('ccos.tenant', before, true);
END $$;

ALTER TABLE model_count ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON model_count USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);

GRANT SELECT, INSERT, UPDATE, DELETE ON model_count TO ccos_app;
