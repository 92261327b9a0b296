-- Where a platform is written to about its endpoints; none of those admitted before there was such an address.
ALTER TABLE platform ADD COLUMN email text;
ALTER TABLE platform_profile ADD COLUMN email text;
