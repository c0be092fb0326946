-- Questions that drafts could not answer, put together as gaps, with the articles proposed for them.
SET LOCAL lock_timeout = '5s';

-- `settled_at`: what was drafted later and not answered opens the gap again. `dismissed_count` is its size when a
-- person waved it away. `proposal` is an article that is no part of the knowledge until a person accepts it.
CREATE TABLE kb_gap (
    tenant_id uuid NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    state text NOT NULL DEFAULT 'open'
        CHECK (state IN ('open', 'proposed', 'accepted', 'closed', 'dismissed')),
    label text NOT NULL,
    proposal jsonb,
    article_id text,
    visibility text CHECK (visibility IN ('public', 'internal')),
    reason text NOT NULL DEFAULT '',
    decided_by text NOT NULL DEFAULT '',
    settled_at timestamptz,
    dismissed_count integer NOT NULL DEFAULT 0,
    answered_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);

-- One of a ticket, without the people in it; it goes with the ticket. `rank` 0 is the most typical of its gap.
CREATE TABLE kb_gap_question (
    tenant_id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    draft_id uuid NOT NULL,
    gap_id uuid NOT NULL,
    rank integer NOT NULL DEFAULT 0,
    text text NOT NULL,
    title text NOT NULL,
    why text NOT NULL CHECK (why IN ('held', 'thin', 'rejected')),
    channel text,
    asked_at timestamptz NOT NULL,
    drafted_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, ticket_id),
    FOREIGN KEY (tenant_id, ticket_id) REFERENCES ticket (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, gap_id) REFERENCES kb_gap (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX kb_gap_question_of_gap ON kb_gap_question (tenant_id, gap_id, rank);

-- How far drafts have been looked through. `run` counts the passes: of two at once, the first to end stands.
CREATE TABLE kb_gap_pass (
    tenant_id uuid NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    run integer NOT NULL DEFAULT 0,
    read_until timestamptz NOT NULL,
    PRIMARY KEY (tenant_id)
);

-- What changed since the last pass is found without reading every draft.
CREATE INDEX draft_changed ON draft (tenant_id, updated_at, ticket_id);

ALTER TABLE kb_gap ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE kb_gap_question ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE kb_gap_pass ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON kb_gap USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);
CREATE POLICY own_tenant ON kb_gap_question USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);
CREATE POLICY own_tenant ON kb_gap_pass USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);

GRANT SELECT, INSERT, UPDATE, DELETE ON kb_gap, kb_gap_question, kb_gap_pass TO ccos_app;
