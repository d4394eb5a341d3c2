-- A schema of a team's that others may read, as docs/data.md tells that team to share it: with a role for its readers,
-- which Slipway's account may give on. Run once, in the database of the projects.
BEGIN;
-- Roles are the whole server's, so one may be left of a database that was dropped.
DROP ROLE IF EXISTS road_tests_readers;
CREATE ROLE road_tests_readers NOLOGIN;
CREATE SCHEMA road_tests;
GRANT USAGE ON SCHEMA road_tests TO road_tests_readers;
ALTER DEFAULT PRIVILEGES IN SCHEMA road_tests GRANT SELECT ON TABLES TO road_tests_readers;
CREATE TABLE road_tests.drives (day date, km numeric, wet boolean);
INSERT INTO road_tests.drives VALUES ('2026-01-12', 31.5, true), ('2026-01-13', 12.0, false);
GRANT road_tests_readers TO features WITH ADMIN OPTION;
COMMIT;
