#!/bin/sh
# Vaultwarden's image brings a script of this name.
exec /standin/probe
