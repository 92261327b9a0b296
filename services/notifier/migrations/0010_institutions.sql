-- Whose credentials a platform wants to hear of; null: of every institution's.
ALTER TABLE endpoint ADD COLUMN institutions uuid[];
