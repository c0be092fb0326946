-- Batches: many tickets sent at once, and which draft each line of one got. A draft that begins or ends says so
-- in its lines, whoever begins or ends it. No change here rewrites a table.
SET LOCAL lock_timeout = '5s';

CREATE TABLE batch (
    tenant_id uuid NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    total integer NOT NULL CHECK (total > 0),
    bad_lines integer NOT NULL CHECK (bad_lines BETWEEN 0 AND total),
    created_at timestamptz NOT NULL DEFAULT now(),
    cancelled_at timestamptz,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX batch_newest ON batch (tenant_id, created_at DESC, id DESC);

-- A line has a draft, or the reason why it never had one. `mark` is a digest of its ticket as it was sent; tier and
-- cost are the draft's, so that a batch is summed up without reading its drafts. A ticket that is forgotten takes
-- its lines along.
CREATE TABLE batch_item (
    tenant_id uuid NOT NULL,
    batch_id uuid NOT NULL,
    line integer NOT NULL CHECK (line > 0),
    draft_id uuid,
    mark text,
    problem jsonb,
    began_at timestamptz,
    ended_at timestamptz,
    tier text,
    cost_micro_usd bigint NOT NULL DEFAULT 0 CHECK (cost_micro_usd >= 0),
    PRIMARY KEY (tenant_id, batch_id, line),
    FOREIGN KEY (tenant_id, batch_id) REFERENCES batch (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, draft_id) REFERENCES draft (tenant_id, id) ON DELETE CASCADE,
    CHECK ((draft_id IS NULL) = (problem IS NOT NULL) AND (draft_id IS NULL) = (mark IS NULL)),
    CHECK (problem IS NULL OR ended_at IS NOT NULL)
);
CREATE INDEX batch_item_of_draft ON batch_item (tenant_id, draft_id);
-- Without the tenant, who is the batch's: the trigger below must not think that this one finds its line.
CREATE INDEX batch_item_open ON batch_item (batch_id, line) WHERE ended_at IS NULL;

CREATE FUNCTION batch_item_follows() RETURNS trigger LANGUAGE plpgsql SET search_path = ccos, pg_temp AS $$
BEGIN
    IF NEW.state = 'running' THEN
        UPDATE batch_item SET began_at = now()
         WHERE tenant_id = NEW.tenant_id AND draft_id = NEW.id AND began_at IS NULL AND ended_at IS NULL;
    ELSE
        UPDATE batch_item
           SET ended_at = now(), tier = NEW.body ->> 'tier',
               cost_micro_usd = coalesce(round((NEW.body ->> 'cost_usd')::numeric * 1000000), 0)
         WHERE tenant_id = NEW.tenant_id AND draft_id = NEW.id AND ended_at IS NULL;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER batch_item_follows AFTER UPDATE OF state ON draft FOR EACH ROW
    WHEN (OLD.state IN ('queued', 'running') AND NEW.state NOT IN ('queued', OLD.state))
    EXECUTE FUNCTION batch_item_follows();

ALTER TABLE batch ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE batch_item ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON batch USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);
CREATE POLICY own_tenant ON batch_item USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);

GRANT SELECT, INSERT, UPDATE, DELETE ON batch, batch_item TO ccos_app;

-- The queue looks whether an earlier job has the same lock; with thousands waiting, that takes seconds without this.
-- A new database gets it with the queue (store/migrate.py).
DO $$
BEGIN
    IF to_regclass('jobs.procrastinate_jobs') IS NOT NULL THEN
        CREATE INDEX IF NOT EXISTS ccos_job_of_lock ON jobs.procrastinate_jobs (lock)
            WHERE status IN ('todo', 'doing');
    END IF;
END $$;
