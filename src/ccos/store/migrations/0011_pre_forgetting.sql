-- What was counted long ago says little of today's models: past a bound a cell's counts are halved, so that the
-- last few hundred weigh most.
SET LOCAL lock_timeout = '5s';

CREATE FUNCTION plan_count_forgets() RETURNS trigger LANGUAGE plpgsql SET search_path = ccos, pg_temp AS $$
BEGIN
    IF NEW.accepted + NEW.refused > 1000 THEN
        NEW.accepted := NEW.accepted / 2;
        NEW.refused := NEW.refused / 2;
    END IF;
    IF NEW.approved + NEW.lightly_edited + NEW.rewritten + NEW.rejected > 1000 THEN
        NEW.approved := NEW.approved / 2;
        NEW.lightly_edited := NEW.lightly_edited / 2;
        NEW.rewritten := NEW.rewritten / 2;
        NEW.rejected := NEW.rejected / 2;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER plan_count_forgets BEFORE INSERT OR UPDATE ON plan_count
    FOR EACH ROW EXECUTE FUNCTION plan_count_forgets();
