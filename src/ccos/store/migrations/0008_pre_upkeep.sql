-- Periodic work asks with one statement which tenants it has anything to do for, and leaves the others alone.
-- Both look as each tenant in turn, under the policies of whoever asks; what they look for stands in an index.
SET LOCAL lock_timeout = '5s';

-- Those with a hold whose time is over, or a draft queued or running for so long that it may be abandoned.
CREATE FUNCTION tenants_to_mend(running_seconds float8, queued_seconds float8) RETURNS SETOF uuid
LANGUAGE plpgsql SET search_path = ccos, pg_temp AS $$
DECLARE
    before text := coalesce(current_setting('ccos.tenant', true), '');
    bound uuid;
BEGIN
    FOR bound IN SELECT tenant_ids() LOOP
        PERFORM set_config('ccos.tenant', bound::text, true);
        IF EXISTS (SELECT FROM reservation
                    WHERE tenant_id = bound AND state = 'held' AND expires_at <= now())
           OR EXISTS (SELECT FROM draft WHERE tenant_id = bound AND state = 'running'
                         AND updated_at < now() - make_interval(secs => running_seconds))
           OR EXISTS (SELECT FROM draft WHERE tenant_id = bound AND state = 'queued'
                         AND updated_at < now() - make_interval(secs => queued_seconds))
        THEN
            RETURN NEXT bound;
        END IF;
    END LOOP;
    PERFORM set_config('ccos.tenant', before, true);
END $$;

-- Those with a degraded draft that nobody has opened or decided; whether it is due is asked of each.
CREATE FUNCTION tenants_to_remake(within_seconds float8) RETURNS SETOF uuid
LANGUAGE plpgsql SET search_path = ccos, pg_temp AS $$
DECLARE
    before text := coalesce(current_setting('ccos.tenant', true), '');
    bound uuid;
BEGIN
    FOR bound IN SELECT tenant_ids() LOOP
        PERFORM set_config('ccos.tenant', bound::text, true);
        IF EXISTS (SELECT FROM draft WHERE tenant_id = bound AND degraded AND opened_at IS NULL
                      AND state IN ('ready', 'needs_review', 'abstained')
                      AND created_at > now() - make_interval(secs => within_seconds))
        THEN
            RETURN NEXT bound;
        END IF;
    END LOOP;
    PERFORM set_config('ccos.tenant', before, true);
END $$;
