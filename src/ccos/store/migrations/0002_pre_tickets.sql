-- Tickets, the drafts for them, every model attempt behind a draft, and what a person decided.
SET LOCAL lock_timeout = '5s';

CREATE TABLE ticket (
    tenant_id uuid NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    external_id text,
    body jsonb NOT NULL,
    subject text NOT NULL,
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'closed')),
    priority text,
    language text,
    category text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, external_id)
);
CREATE INDEX ticket_newest ON ticket (tenant_id, created_at DESC, id DESC);

-- `run` counts how often work on the draft was started: only the latest run may finish it.
CREATE TABLE draft (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('queued', 'running', 'ready', 'needs_review', 'abstained', 'failed',
        'superseded', 'expired', 'approved', 'edited', 'rejected')),
    run integer NOT NULL DEFAULT 0,
    degraded boolean NOT NULL DEFAULT false,
    body jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    opened_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, ticket_id) REFERENCES ticket (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX draft_of_ticket ON draft (tenant_id, ticket_id, created_at DESC, id DESC);
CREATE INDEX draft_by_state ON draft (tenant_id, state, created_at DESC, id DESC);
CREATE UNIQUE INDEX draft_one_open ON draft (tenant_id, ticket_id)
    WHERE state IN ('queued', 'running', 'ready', 'needs_review', 'abstained');

CREATE TABLE attempt (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    draft_id uuid NOT NULL,
    ordinal integer NOT NULL,
    task text NOT NULL,
    tier text NOT NULL,
    provider text NOT NULL,
    model text NOT NULL,
    outcome text NOT NULL,
    reason text NOT NULL,
    tokens_in integer NOT NULL,
    tokens_out integer NOT NULL,
    cost_micro_usd bigint NOT NULL CHECK (cost_micro_usd >= 0),
    latency_seconds double precision NOT NULL,
    quality double precision,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, draft_id, ordinal),
    FOREIGN KEY (tenant_id, draft_id) REFERENCES draft (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX attempt_newest ON attempt (tenant_id, at DESC);

CREATE TABLE decision (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    draft_id uuid NOT NULL,
    verdict text NOT NULL CHECK (verdict IN ('approved', 'edited', 'rejected')),
    text text,
    fields jsonb NOT NULL DEFAULT '{}',
    reason text NOT NULL DEFAULT '',
    csat integer CHECK (csat BETWEEN 1 AND 5),
    decided_at timestamptz NOT NULL DEFAULT now(),
    decided_by text NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, draft_id),
    FOREIGN KEY (tenant_id, draft_id) REFERENCES draft (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX decision_newest ON decision (tenant_id, decided_at DESC);

ALTER TABLE ticket ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE draft ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE attempt ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE decision ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE POLICY own_tenant ON ticket USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);
CREATE POLICY own_tenant ON draft USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);
CREATE POLICY own_tenant ON attempt USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);
CREATE POLICY own_tenant ON decision USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);

GRANT SELECT, INSERT, UPDATE, DELETE ON ticket, draft, attempt, decision TO ccos_app;
