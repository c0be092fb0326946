-- Whoever listens on `ccos_live` hears of each draft that is made or changes its state, as it is committed: ids
-- and the state, never what a ticket says.
SET LOCAL lock_timeout = '5s';

CREATE FUNCTION tell_of_draft() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('ccos_live', json_build_object(
        'tenant', NEW.tenant_id, 'ticket', NEW.ticket_id, 'draft', NEW.id, 'state', NEW.state)::text);
    RETURN NULL;
END $$;

CREATE TRIGGER draft_made AFTER INSERT ON draft
    FOR EACH ROW EXECUTE FUNCTION tell_of_draft();
CREATE TRIGGER draft_changed AFTER UPDATE OF state ON draft
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION tell_of_draft();
