package main

import "github.com/wecomq/wecomq/tasks"

// validateIDs makes something that is no id a usage error, before anything is done.
func validateIDs(ids []string) error {
	for _, id := range ids {
		if _, err := tasks.AppOf(id); err != nil {
			return &exitError{exitUsage, err}
		}
	}
	return nil
}
