-- The role that owns one service's database and runs its migrations: no superuser, so that a flaw in a migration, or
-- a stolen password, cannot leave this database. The login the service works with is made by the migrations; it owns
-- nothing. Variables: owner_password (a literal), database (an identifier).
CREATE ROLE laurel_owner LOGIN CREATEROLE NOSUPERUSER NOBYPASSRLS PASSWORD :'owner_password';
ALTER DATABASE :"database" OWNER TO laurel_owner;
