//! What an operator should know about an installation: findings, why, and the line to change.
