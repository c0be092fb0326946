-- How much of a reply was edited, how long a person took, what they noted, and whether the customer came back;
-- and decisions that were taken back, which are kept as they were.
SET LOCAL lock_timeout = '5s';

ALTER TABLE decision
    ADD COLUMN changed double precision CHECK (changed BETWEEN 0 AND 1),
    ADD COLUMN seconds double precision CHECK (seconds >= 0),
    ADD COLUMN note text NOT NULL DEFAULT '',
    ADD COLUMN reopened_at timestamptz;

CREATE TABLE decision_undone (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    draft_id uuid NOT NULL,
    decision jsonb NOT NULL,
    undone_at timestamptz NOT NULL DEFAULT now(),
    undone_by text NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, draft_id) REFERENCES draft (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX decision_undone_of_draft ON decision_undone (tenant_id, draft_id);

ALTER TABLE decision_undone ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON decision_undone USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON decision_undone TO ccos_app;
