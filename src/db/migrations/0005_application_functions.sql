-- Registration of applications, and the order of their list.

CREATE FUNCTION application_sort_key(field text, a applications) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT CASE field
        WHEN 'application_id' THEN a.application_id
        WHEN 'name' THEN a.name
        WHEN 'description' THEN a.description
        WHEN 'regulatory_classes' THEN array_to_string(a.regulatory_classes, ',')
    END COLLATE "C"
$$;

-- A published version never changes: results must stay explainable. Registering the same manifest
-- again only refreshes the folder and adds the assignment; p_organization_id NULL means everyone.
-- p_version_id is taken when the version is new.
CREATE FUNCTION register_version(
    p_application_id text, p_name text, p_description text, p_regulatory_classes text[],
    p_number text, p_precedence text, p_changelog text, p_released_at timestamptz, p_folder text,
    p_manifest text, p_input_artifacts text, p_output_artifacts text, p_input_names jsonb,
    p_organization_id text, p_version_id uuid, p_cpus integer, p_memory_bytes bigint, p_gpus integer,
    p_error_threshold integer, p_deadline_seconds_min integer)
RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    known application_versions;
    result text := 'UNCHANGED';
BEGIN
    IF p_organization_id IS NOT NULL
       AND NOT EXISTS (SELECT FROM organizations WHERE organization_id = p_organization_id) THEN
        RETURN 'ORGANIZATION_NOT_FOUND';
    END IF;
    INSERT INTO applications (application_id, name, description, regulatory_classes)
    VALUES (p_application_id, p_name, p_description, p_regulatory_classes)
    ON CONFLICT (application_id) DO UPDATE
        SET name = excluded.name, description = excluded.description,
            regulatory_classes = excluded.regulatory_classes;
    SELECT * INTO known FROM application_versions
    WHERE application_id = p_application_id AND number = p_number;
    IF FOUND AND known.manifest <> p_manifest THEN
        RAISE EXCEPTION 'version % of % is already registered with another manifest',
            p_number, p_application_id USING ERRCODE = 'unique_violation';
    ELSIF NOT FOUND THEN
        INSERT INTO application_versions (version_id, application_id, number, precedence, changelog,
                                          released_at, folder, manifest, input_artifacts,
                                          output_artifacts, input_names, for_everyone, cpus,
                                          memory_bytes, gpus, error_threshold, deadline_seconds_min)
        VALUES (p_version_id, p_application_id, p_number, p_precedence, p_changelog, p_released_at,
                p_folder, p_manifest, p_input_artifacts, p_output_artifacts, p_input_names,
                p_organization_id IS NULL, p_cpus, p_memory_bytes, p_gpus, p_error_threshold,
                p_deadline_seconds_min)
        RETURNING * INTO known;
        result := 'REGISTERED';
    ELSE
        UPDATE application_versions
        SET folder = p_folder, for_everyone = for_everyone OR p_organization_id IS NULL
        WHERE version_id = known.version_id;
    END IF;
    IF p_organization_id IS NOT NULL THEN
        INSERT INTO version_assignments (organization_id, version_id)
        VALUES (p_organization_id, known.version_id) ON CONFLICT DO NOTHING;
    END IF;
    INSERT INTO audit (actor, action, organization_id, detail)
    VALUES ('operator', 'application.registered', p_organization_id,
            jsonb_build_object('application_id', p_application_id, 'version_number', p_number,
                               'result', result));
    RETURN result;
END
$$;
