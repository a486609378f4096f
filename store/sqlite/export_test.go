package sqlite

// SetRows makes readings move to the history when there are recent of them, and be pruned by about prune at a time.
func (s *Store) SetRows(recent, prune int) { s.recentRows, s.pruneRows = recent, prune }
