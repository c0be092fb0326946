-- Drafts made while the cloud was away are made again; an attempt may be an answer that was remembered. No
-- change here rewrites a table.
SET LOCAL lock_timeout = '5s';

-- The draft that this one was made to take the place of. Where it came out no better its state is superseded,
-- and the older one has stayed open.
ALTER TABLE draft ADD COLUMN remake_of uuid;

ALTER TABLE attempt ADD COLUMN cached boolean NOT NULL DEFAULT false;

CREATE INDEX draft_degraded ON draft (tenant_id, created_at, id)
    WHERE degraded AND opened_at IS NULL AND state IN ('ready', 'needs_review', 'abstained');
