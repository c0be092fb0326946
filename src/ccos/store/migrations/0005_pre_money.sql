-- A limit in total beside each tenant's own, and the ledger of every call. Money in micro-USD.
SET LOCAL lock_timeout = '5s';

-- What all tenants together hold and have spent of a day. It follows spend_day by a trigger, so no way of
-- changing a tenant's day can forget it. Whoever changes days locks the total's row first, by day, then the
-- tenant's: so nobody waits in a circle, and a comparison with the limit holds until it is committed.
CREATE TABLE spend_total (
    day date PRIMARY KEY,
    reserved_micro_usd bigint NOT NULL DEFAULT 0 CHECK (reserved_micro_usd >= 0),
    spent_micro_usd bigint NOT NULL DEFAULT 0 CHECK (spent_micro_usd >= 0)
);

CREATE FUNCTION spend_total_follows() RETURNS trigger LANGUAGE plpgsql SET search_path = ccos, pg_temp AS $$
DECLARE
    reserved bigint := NEW.reserved_micro_usd - coalesce(OLD.reserved_micro_usd, 0);
    spent bigint := NEW.spent_micro_usd - coalesce(OLD.spent_micro_usd, 0);
BEGIN
    UPDATE spend_total AS t SET reserved_micro_usd = t.reserved_micro_usd + reserved,
                                spent_micro_usd = t.spent_micro_usd + spent
     WHERE t.day = NEW.day;
    IF NOT FOUND THEN
        INSERT INTO spend_total AS t (day, reserved_micro_usd, spent_micro_usd) VALUES (NEW.day, reserved, spent)
        ON CONFLICT (day) DO UPDATE SET reserved_micro_usd = t.reserved_micro_usd + excluded.reserved_micro_usd,
                                        spent_micro_usd = t.spent_micro_usd + excluded.spent_micro_usd;
    END IF;
    RETURN NULL;
END $$;

-- The owner too reads a tenant's days only when bound to it: so far they are added up one tenant at a time.
LOCK TABLE spend_day IN SHARE ROW EXCLUSIVE MODE;
DO $$
DECLARE
    before text := coalesce(current_setting('ccos.tenant', true), '');
    of_tenant uuid;
BEGIN
    FOR of_tenant IN SELECT id FROM tenant LOOP
        PERFORM set_config('ccos.tenant', of_tenant::text, true);
        INSERT INTO spend_total AS t (day, reserved_micro_usd, spent_micro_usd)
        SELECT day, reserved_micro_usd, spent_micro_usd FROM spend_day WHERE tenant_id = of_tenant
        ON CONFLICT (day) DO UPDATE SET reserved_micro_usd = t.reserved_micro_usd + excluded.reserved_micro_usd,
                                        spent_micro_usd = t.spent_micro_usd + excluded.spent_micro_usd;
    END LOOP;
    PERFORM set_config('ccos.tenant', before, true);
END $$;

CREATE TRIGGER spend_total_follows AFTER INSERT OR UPDATE OF reserved_micro_usd, spent_micro_usd ON spend_day
    FOR EACH ROW EXECUTE FUNCTION spend_total_follows();

-- Many holds and closings of one process in one statement, element by element in their order. An element with
-- a day is a hold on its amount; one without closes a hold: with what was spent, or released when that is NULL.
-- done[i]: the hold was made, or was there already; the closing closed something. Saying the same twice does
-- no harm. It binds each element's tenant itself, under the policies of whoever calls it.
-- Beside what was done it tells, of today: used[n] of limits[n] for each tenant in `told`, and the total.
CREATE FUNCTION spend_apply(
    tenants uuid[], ids uuid[], days date[], amounts bigint[], asked uuid[],
    today date, total_limit bigint, tenant_limit bigint, enforced boolean, hold_seconds float8,
    OUT done boolean[], OUT told uuid[], OUT used bigint[], OUT limits bigint[], OUT total_used bigint)
LANGUAGE plpgsql SET search_path = ccos, pg_temp AS $$
DECLARE
    before text := coalesce(current_setting('ccos.tenant', true), '');
    n int := cardinality(ids);
    touched date[] := days;
    bound uuid;
    own_limit bigint;
    there bigint;
    hold record;
BEGIN
    done := array_fill(false, ARRAY[n]);
    told := '{}'; used := '{}'; limits := '{}';
    -- A closing that a crash of the server takes back leaves a hold, which is charged whole: nothing to wait for.
    IF array_position(days, NULL) IS NOT NULL AND array_length(array_remove(days, NULL), 1) IS NULL THEN
        PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
    FOR i IN 1..n LOOP
        IF days[i] IS NULL THEN
            IF bound IS DISTINCT FROM tenants[i] THEN
                bound := tenants[i];
                PERFORM set_config('ccos.tenant', bound::text, true);
            END IF;
            touched[i] := (SELECT day FROM reservation WHERE tenant_id = bound AND id = ids[i]);
        END IF;
    END LOOP;
    INSERT INTO spend_total (day) SELECT DISTINCT day FROM unnest(days) AS day WHERE day IS NOT NULL ORDER BY day
    ON CONFLICT DO NOTHING;
    PERFORM FROM spend_total WHERE day = ANY (touched) ORDER BY day FOR UPDATE;

    bound := NULL;
    FOR i IN 1..n LOOP
        IF bound IS DISTINCT FROM tenants[i] THEN
            bound := tenants[i];
            PERFORM set_config('ccos.tenant', bound::text, true);
            SELECT spend_limit(settings, total_limit, tenant_limit) INTO own_limit FROM tenant WHERE id = bound;
        END IF;
        IF days[i] IS NULL THEN
            SELECT amount_micro_usd AS amount, state INTO hold FROM reservation
             WHERE tenant_id = bound AND id = ids[i] AND state IN ('held', 'expired') FOR UPDATE;
            CONTINUE WHEN NOT FOUND;
            UPDATE reservation SET state = CASE WHEN amounts[i] IS NULL THEN 'released' ELSE 'settled' END
             WHERE tenant_id = bound AND id = ids[i];
            -- An expired hold was charged whole: closing it corrects the charge.
            UPDATE spend_day SET
                   reserved_micro_usd = reserved_micro_usd - CASE hold.state WHEN 'held' THEN hold.amount ELSE 0 END,
                   spent_micro_usd = spent_micro_usd + coalesce(amounts[i], 0)
                       - CASE hold.state WHEN 'expired' THEN hold.amount ELSE 0 END
             WHERE tenant_id = bound AND day = touched[i];
        ELSE
            CONTINUE WHEN own_limit IS NULL;  -- there is no such tenant
            IF NOT EXISTS (SELECT FROM reservation WHERE tenant_id = bound AND id = ids[i]) THEN
                SELECT reserved_micro_usd + spent_micro_usd INTO there FROM spend_total WHERE day = days[i];
                CONTINUE WHEN enforced AND (amounts[i] > own_limit OR there + amounts[i] > total_limit);
                INSERT INTO spend_day AS d (tenant_id, day, reserved_micro_usd) VALUES (bound, days[i], amounts[i])
                ON CONFLICT (tenant_id, day) DO UPDATE
                   SET reserved_micro_usd = d.reserved_micro_usd + excluded.reserved_micro_usd
                 WHERE NOT enforced
                    OR d.reserved_micro_usd + d.spent_micro_usd + excluded.reserved_micro_usd <= own_limit;
                CONTINUE WHEN NOT FOUND;
                INSERT INTO reservation (tenant_id, id, day, amount_micro_usd, expires_at)
                VALUES (bound, ids[i], days[i], amounts[i], now() + make_interval(secs => hold_seconds));
            END IF;
        END IF;
        done[i] := true;
    END LOOP;

    FOR bound IN SELECT DISTINCT each FROM unnest(tenants || asked) AS each LOOP
        PERFORM set_config('ccos.tenant', bound::text, true);
        SELECT spend_limit(settings, total_limit, tenant_limit) INTO own_limit FROM tenant WHERE id = bound;
        CONTINUE WHEN NOT FOUND;
        SELECT reserved_micro_usd + spent_micro_usd INTO there FROM spend_day WHERE tenant_id = bound AND day = today;
        told := told || bound; used := used || coalesce(there, 0); limits := limits || own_limit;
    END LOOP;
    SELECT reserved_micro_usd + spent_micro_usd INTO total_used FROM spend_total WHERE day = today;
    total_used := coalesce(total_used, 0);
    PERFORM set_config('ccos.tenant', before, true);
END $$;

-- The lower of the limits that hold for a tenant; its own stands in its settings, in USD.
CREATE FUNCTION spend_limit(settings jsonb, total_limit bigint, tenant_limit bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE
    AS $$SELECT least(total_limit, tenant_limit,
                      floor((settings ->> 'daily_cost_limit_usd')::numeric * 1000000)::bigint)$$;

-- Calls and answers by day and by who gave them: the ledger that the day's money is held against.
CREATE TABLE usage_day (
    tenant_id uuid NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    day date NOT NULL,
    source text NOT NULL,
    task text NOT NULL,
    tier text NOT NULL,
    provider text NOT NULL,
    model text NOT NULL,
    calls bigint NOT NULL DEFAULT 0,
    answers bigint NOT NULL DEFAULT 0,
    cached bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    tokens_in bigint NOT NULL DEFAULT 0,
    tokens_out bigint NOT NULL DEFAULT 0,
    spent_micro_usd bigint NOT NULL DEFAULT 0,
    estimated_micro_usd bigint NOT NULL DEFAULT 0,
    reported_micro_usd bigint NOT NULL DEFAULT 0,
    reported_calls bigint NOT NULL DEFAULT 0,
    estimated_of_reported_micro_usd bigint NOT NULL DEFAULT 0,
    premium_micro_usd bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, day, source, task, tier, provider, model)
);

-- The last batch each process has written: one that is sent again, its answer being lost, counts once.
CREATE TABLE usage_writer (
    id uuid PRIMARY KEY,
    batch bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);

-- Adds one batch of rows, for any number of tenants; false when it was added before.
CREATE FUNCTION usage_add(writer uuid, batch bigint, rows jsonb) RETURNS boolean
LANGUAGE plpgsql SET search_path = ccos, pg_temp AS $$
DECLARE
    before text := coalesce(current_setting('ccos.tenant', true), '');
    of_tenant uuid;
BEGIN
    INSERT INTO usage_writer AS w (id, batch) VALUES (writer, usage_add.batch)
    ON CONFLICT (id) DO UPDATE SET batch = excluded.batch, at = now() WHERE w.batch < excluded.batch;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF usage_add.batch = 1 THEN
        DELETE FROM usage_writer WHERE at < now() - interval '30 days';
    END IF;
    FOR of_tenant IN SELECT DISTINCT (row ->> 'tenant_id')::uuid AS id FROM jsonb_array_elements(rows) AS row
                      ORDER BY id LOOP
        PERFORM set_config('ccos.tenant', of_tenant::text, true);
        PERFORM FROM tenant WHERE id = of_tenant;
        CONTINUE WHEN NOT FOUND;
        INSERT INTO usage_day AS u
        SELECT (jsonb_populate_record(NULL::usage_day, row)).* FROM jsonb_array_elements(rows) AS row
         WHERE (row ->> 'tenant_id')::uuid = of_tenant
         ORDER BY row ->> 'day', row ->> 'source', row ->> 'task', row ->> 'tier', row ->> 'provider', row ->> 'model'
        ON CONFLICT (tenant_id, day, source, task, tier, provider, model) DO UPDATE SET
            calls = u.calls + excluded.calls,
            answers = u.answers + excluded.answers,
            cached = u.cached + excluded.cached,
            failed = u.failed + excluded.failed,
            tokens_in = u.tokens_in + excluded.tokens_in,
            tokens_out = u.tokens_out + excluded.tokens_out,
            spent_micro_usd = u.spent_micro_usd + excluded.spent_micro_usd,
            estimated_micro_usd = u.estimated_micro_usd + excluded.estimated_micro_usd,
            reported_micro_usd = u.reported_micro_usd + excluded.reported_micro_usd,
            reported_calls = u.reported_calls + excluded.reported_calls,
            estimated_of_reported_micro_usd =
                u.estimated_of_reported_micro_usd + excluded.estimated_of_reported_micro_usd,
            premium_micro_usd = u.premium_micro_usd + excluded.premium_micro_usd;
    END LOOP;
    PERFORM set_config('ccos.tenant', before, true);
    RETURN true;
END $$;

ALTER TABLE usage_day ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON usage_day USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);

GRANT SELECT, INSERT, UPDATE ON spend_total TO ccos_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON usage_day, usage_writer TO ccos_app;
