package main

import "github.com/wecomq/wecomq/tasks"

// validateIDs returns a usage error for an invalid id, before anything is done.
func validateIDs(ids []string) error {
	for _, id := range ids {
		if _, err := tasks.AppOf(id); err != nil {
			return &exitError{exitUsage, err}
		}
	}
	return nil
}
