#!/bin/sh
# Nextcloud's image brings a script of this name, which its background jobs run under.
. /standin/serve
