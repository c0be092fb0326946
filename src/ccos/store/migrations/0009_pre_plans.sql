-- Which tier was planned, with which chances, and what came of it; and what is counted of tiers by kind of ticket.
SET LOCAL lock_timeout = '5s';

-- One row a decision, never changed; no text of a ticket is in it. `draft_id` joins what a person decided later.
-- `eligible` holds of each tier its propensity and what was expected: accept, good, cost_micro_usd, seconds.
CREATE TABLE plan_decision (
    tenant_id uuid NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    at timestamptz NOT NULL,
    draft_id uuid,
    task text NOT NULL,
    intent text NOT NULL,
    language text NOT NULL,
    mode text NOT NULL,
    level text NOT NULL,
    required double precision NOT NULL,
    planned text[] NOT NULL,
    first_tier text NOT NULL,
    propensity double precision NOT NULL CHECK (propensity > 0 AND propensity <= 1),
    eligible jsonb NOT NULL,
    explored boolean NOT NULL,
    policy text NOT NULL,
    seed bigint NOT NULL,
    features text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('accepted', 'needs_review', 'cut', 'cancelled')),
    tier text,
    cached boolean NOT NULL,
    quality double precision,
    scorer text,
    calls integer NOT NULL,
    cost_micro_usd bigint NOT NULL,
    seconds double precision NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX plan_decision_oldest ON plan_decision (tenant_id, at);
CREATE INDEX plan_decision_of_draft ON plan_decision (tenant_id, draft_id) WHERE draft_id IS NOT NULL;

CREATE FUNCTION plan_decision_stays() RETURNS trigger LANGUAGE plpgsql SET search_path = ccos, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'what was decided is not changed' USING ERRCODE = 'restrict_violation';
END $$;
-- (A row that would change hands is refused by the policy.)
CREATE TRIGGER plan_decision_stays BEFORE UPDATE ON plan_decision
    FOR EACH ROW WHEN (OLD.tenant_id = NEW.tenant_id) EXECUTE FUNCTION plan_decision_stays();

-- What the gate said of answers, and people of those it had accepted.
CREATE TABLE plan_count (
    tenant_id uuid NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    task text NOT NULL,
    intent text NOT NULL,
    language text NOT NULL,
    tier text NOT NULL,
    accepted bigint NOT NULL DEFAULT 0,
    refused bigint NOT NULL DEFAULT 0,
    approved bigint NOT NULL DEFAULT 0,
    lightly_edited bigint NOT NULL DEFAULT 0,
    rewritten bigint NOT NULL DEFAULT 0,
    rejected bigint NOT NULL DEFAULT 0,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, task, intent, language, tier)
);
CREATE INDEX plan_count_changed ON plan_count (tenant_id, changed_at);

-- Writes one batch of decisions and answers, for any number of tenants; false when it was written before.
CREATE FUNCTION plan_add(writer uuid, batch bigint, decisions jsonb, counts jsonb) RETURNS boolean
LANGUAGE plpgsql SET search_path = ccos, pg_temp AS $$
DECLARE
    before text := coalesce(current_setting('ccos.tenant', true), '');
    of_tenant uuid;
BEGIN
    INSERT INTO usage_writer AS w (id, batch) VALUES (writer, plan_add.batch)
    ON CONFLICT (id) DO UPDATE SET batch = excluded.batch, at = now() WHERE w.batch < excluded.batch;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    FOR of_tenant IN SELECT DISTINCT (row ->> 'tenant_id')::uuid AS id
                       FROM jsonb_array_elements(decisions || counts) AS row ORDER BY id LOOP
        PERFORM set_config('ccos.tenant', of_tenant::text, true);
        PERFORM FROM tenant WHERE id = of_tenant;
        CONTINUE WHEN NOT FOUND;
        INSERT INTO plan_decision
        SELECT (jsonb_populate_record(NULL::plan_decision, row)).* FROM jsonb_array_elements(decisions) AS row
         WHERE (row ->> 'tenant_id')::uuid = of_tenant
        ON CONFLICT DO NOTHING;
        INSERT INTO plan_count AS c (tenant_id, task, intent, language, tier, accepted, refused)
        SELECT of_tenant, row ->> 'task', row ->> 'intent', row ->> 'language', row ->> 'tier',
               (row ->> 'accepted')::bigint, (row ->> 'refused')::bigint
          FROM jsonb_array_elements(counts) AS row WHERE (row ->> 'tenant_id')::uuid = of_tenant
         ORDER BY row ->> 'task', row ->> 'intent', row ->> 'language', row ->> 'tier'
        ON CONFLICT (tenant_id, task, intent, language, tier) DO UPDATE
           SET accepted = c.accepted + excluded.accepted, refused = c.refused + excluded.refused,
               changed_at = now();
    END LOOP;
    PERFORM set_config('ccos.tenant', before, true);
    RETURN true;
END $$;

-- Every tenant's counts that changed since, looked at as each tenant in turn.
CREATE FUNCTION plan_counts_since(moment timestamptz) RETURNS SETOF plan_count
LANGUAGE plpgsql SET search_path = ccos, pg_temp AS $$
DECLARE
    before text := coalesce(current_setting('ccos.tenant', true), '');
    bound uuid;
BEGIN
    FOR bound IN SELECT tenant_ids() LOOP
        PERFORM set_config('ccos.tenant', bound::text, true);
        RETURN QUERY SELECT * FROM plan_count WHERE tenant_id = bound AND changed_at >= moment;
    END LOOP;
    PERFORM set_config('ccos.tenant', before, true);
END $$;

ALTER TABLE plan_decision ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE plan_count ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON plan_decision USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);
CREATE POLICY own_tenant ON plan_count USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);

GRANT SELECT, INSERT, UPDATE, DELETE ON plan_decision, plan_count TO ccos_app;
