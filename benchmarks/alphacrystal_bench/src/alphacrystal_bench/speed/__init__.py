"""Times: relaxation compared with chgnet, Bayesian relaxation, inspect, the web server."""
