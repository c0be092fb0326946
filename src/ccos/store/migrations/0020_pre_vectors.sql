-- Vectors of passages, by the text that was read, so that equal texts are read once; they need no extension.
SET LOCAL lock_timeout = '5s';

CREATE SEQUENCE kb_vector_seq;

-- `hash`: of title, heading and body. `vector`: 16-bit floats, low byte first, of length 1; null while somebody
-- has it made, until `claimed_until`. `seq` grows in the order in which vectors become visible.
CREATE TABLE kb_vector (
    tenant_id uuid NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    model text NOT NULL,
    hash bytea NOT NULL,
    dimensions integer,
    vector bytea,
    seq bigint,
    claimed_until timestamptz,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, model, hash),
    CHECK (CASE WHEN vector IS NULL THEN claimed_until IS NOT NULL
           ELSE dimensions > 0 AND octet_length(vector) = 2 * dimensions AND seq IS NOT NULL END)
);
CREATE INDEX kb_vector_in_order ON kb_vector (tenant_id, model, seq) WHERE seq IS NOT NULL;

CREATE FUNCTION kb_text_hash(title text, heading text, body text) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
RETURN sha256(convert_to(title || E'\x1f' || heading || E'\x1f' || body, 'UTF8'));

ALTER TABLE kb_vector ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE POLICY own_tenant ON kb_vector USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);

GRANT SELECT, INSERT, UPDATE, DELETE ON kb_vector TO ccos_app;
GRANT USAGE ON SEQUENCE kb_vector_seq TO ccos_app;
