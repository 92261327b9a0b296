-- What can be earned. `content` is the institution's own text; a revision is the document the public saw.
CREATE TABLE achievement (
    id uuid PRIMARY KEY,
    institution_id uuid NOT NULL REFERENCES institution,
    status text NOT NULL CHECK (status IN ('draft', 'published', 'archived')),
    revision integer NOT NULL,
    version bigint NOT NULL,
    event_version bigint NOT NULL,
    content jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    published_at timestamptz,
    archived_at timestamptz
);
CREATE INDEX achievement_of_institution ON achievement (institution_id, id);
SELECT laurel_protect('achievement');

CREATE TABLE achievement_revision (
    achievement_id uuid NOT NULL REFERENCES achievement,
    revision integer NOT NULL,
    institution_id uuid NOT NULL REFERENCES institution,
    event_version bigint NOT NULL,
    document jsonb NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (achievement_id, revision)
);
SELECT laurel_protect('achievement_revision');
