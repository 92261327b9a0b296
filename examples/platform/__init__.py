"""A sample platform: profiles that show credentials for as long as their learners want, by Laurel's webhooks alone."""
