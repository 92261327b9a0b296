-- What is old is found by its age.
CREATE INDEX message_age ON message (created_at);
CREATE INDEX endpoint_hour_age ON endpoint_hour (hour);
