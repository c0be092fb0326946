-- Experiments, what was done to them and by whom, and which draft had which arm.
SET LOCAL lock_timeout = '5s';

CREATE TABLE experiment (
    tenant_id uuid NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    name text NOT NULL,
    definition jsonb NOT NULL,
    state text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'running', 'stopped', 'promoted')),
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL DEFAULT '',
    started_at timestamptz,
    started_by text NOT NULL DEFAULT '',
    stopped_at timestamptz,
    stopped_by text NOT NULL DEFAULT '',
    promoted_arm text,
    promoted_at timestamptz,
    promoted_by text NOT NULL DEFAULT '',
    before jsonb,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, name)
);
CREATE INDEX experiment_running ON experiment (tenant_id) WHERE state = 'running';

CREATE TABLE experiment_event (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    experiment_id uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    by text NOT NULL DEFAULT '',
    what text NOT NULL,
    facts jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, experiment_id) REFERENCES experiment (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX experiment_event_of ON experiment_event (tenant_id, experiment_id, at);

-- What an analysis asks of a draft stands here, so that it need not open the drafts themselves.
CREATE TABLE experiment_draft (
    tenant_id uuid NOT NULL,
    experiment_id uuid NOT NULL,
    draft_id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    arm text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    excluded text,
    expected double precision,
    cost_micro_usd bigint NOT NULL,
    latency_seconds double precision NOT NULL,
    vetoed boolean NOT NULL,
    PRIMARY KEY (tenant_id, experiment_id, draft_id),
    FOREIGN KEY (tenant_id, experiment_id) REFERENCES experiment (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, draft_id) REFERENCES draft (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX experiment_draft_of_draft ON experiment_draft (tenant_id, draft_id);

ALTER TABLE experiment ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE experiment_event ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE experiment_draft ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON experiment USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);
CREATE POLICY own_tenant ON experiment_event USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);
CREATE POLICY own_tenant ON experiment_draft USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON experiment, experiment_event, experiment_draft TO ccos_app;
