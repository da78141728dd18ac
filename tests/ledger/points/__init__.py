"""The points engine from outside: rules in text, a model beside it, races, kills, its audit proven able to fail, and reads."""
