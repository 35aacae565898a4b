"""Every row of the tables of facts on Contract.fit and AIRisk has its test, which this names.

Contract.fit's endpoints are rows of test_contract_fit.ROWS, by method, path and status.
"""

import ast
import pathlib
import re

import pytest

from test_contract_fit import NO_ROLE, ROWS

HERE = pathlib.Path(__file__).resolve().parent

# Left out is what cannot come about here: 404 of POST /auth/ephemeral (a key ends with its user:
# 401), 204 of a reset (nothing is mailed, so no token is good), 404 of a list of keys, and of POST
# /users (a scope need not exist; a role that does not is 406).
ENDPOINTS = {
    "POST /auth": {200, 401},
    "POST /auth/token": {201, 403},
    "POST /auth/ephemeral": {201},
    "POST /auth/get_JWT (deprecated)": {201, 403},
    "POST /auth/logout": {204, 400},
    "POST /auth/reset_password": {403},
    "GET /auth/api-key": {200, 403},
    "POST /auth/api-key": {201, 403, 404},
    "GET, POST /auth/api-key/inbox/{inbox_id}": {200, 201, 403, 404},
    "GET /auth/api-key/{key}": {200, 403},
    "PATCH /auth/api-key/{key}": {200, 403},
    "DELETE /auth/api-key/{key}": {204, 403},
    "GET /roles; GET /roles/{id}": {200, 404},
    "POST /roles": {201, 403, 405},
    "PATCH, DELETE /roles/{id}": {200, 204, 403, 404},
    "GET /users; GET, PATCH /users/{id}": {200, 400, 403, 404},
    "POST /users": {201, 400, 403, 406},
    "DELETE /users/{id}": {204, 404},
    "GET /users/me": {200},
    "POST /users/me/change_password": {204, 403},
    "GET /inboxes": {200},
    "POST /inboxes": {201, 403, 404},
    "GET, PATCH /inboxes/{id}": {200, 403, 404},
    "DELETE /inboxes/{id}": {204, 404},
    "GET /inboxes/{id}/documents, /paginated": {200, 403, 404},
    "GET /documents/{id}, /last_version, /text": {200, 403},
    "POST /documents/{id}/feedback": {200, 403},
    "POST /documents/{id}/status_data": {200, 403},
}

CONTRACT_FIT = {
    "prefixes": "test_row",
    "storing the key": "test_storing_the_key_it_is_shown_once_and_its_id_afterwards",
    "roles of a key": "test_roles_of_a_key_are_the_bound_users_own_by_id_and_fixed",
    "nonce": "test_a_user_reviews_and_marks_done_and_the_link_is_dead",
    "session": "test_session_is_bound_to_its_key_and_deleting_that_is_told_once"
               " test_session_is_opened_by_a_key_alone_for_15_minutes_and_never_past_the_key"
               " test_a_password_ends_the_sessions_that_it_opened",
    "expire_at": "test_expire_at_is_taken_with_and_without_an_offset",
    "active": "test_active_false_suspends_and_true_resumes",
    "user in requests": "test_row",  # "api-key create 201 by username"
    "mark done": "test_mark_done_ends_the_documents_keys_and_the_tombstone_refuses_new_ones"
                 " test_mark_done_by_a_webhook_that_matches_a_rule",
    "tombstone": "test_mark_done_ends_the_documents_keys_and_the_tombstone_refuses_new_ones",
    "documents and inboxes": "test_a_lock_says_who_and_since_when_and_others_may_not_take_it"
                             " test_a_deleted_inbox_takes_its_documents_and_keys_along",
    "passwords": "test_passwords_an_unknown_user_is_answered_alike_and_scrypt_is_what_is_stored",
    "errors": "test_errors_of_validation_name_their_field",
}

AIRISK = {
    # endpoints
    "GET /api/oauth2": "test_get_oauth2_redirects_with_the_state_unchanged",
    "POST /api/oauth2/Token": "test_post_token_answers_form_and_json",
    "GET /api/ListUsers [S]; /api/Users/ListUsers elsewhere [G]":
        "test_both_paths_list_users_by_name_and_id",
    "GET /api/GetConversations": "test_an_unknown_path_answers_in_contract_fits_shape",
    # errors
    "Token, required parameter missing": "test_error_token_required_parameter_missing",
    "Token, code used/expired/wrong": "test_error_token_code_used test_error_token_code_expired"
                                      " test_error_token_code_wrong",
    "unknown client_id, both endpoints": "test_error_unknown_client_id_both_endpoints",
    "API call, token expired/invalid":
        "test_error_api_call_with_a_token_that_is_expired_or_invalid",
    "userid left out though code has one": "test_error_userid_left_out_though_the_code_has_one",
    "userid sent though code has none": "test_error_userid_sent_though_the_code_has_none",
    "wrong secret, unregistered redirect_uri":
        "test_error_wrong_secret test_error_unregistered_redirect_uri_is_never_redirected_to",
    # what Chatelaine does
    "both paths": "test_both_paths_list_users_by_name_and_id",
    "code": "test_code_64_redeemers_one_wins test_code_handing_one_out_writes_nothing",
    "token": "test_token_is_stored_hashed",
    "wrong secret, client of another code, redirect_uri that differs":
        "test_error_wrong_secret test_another_clients_code_is_refused_and_burnt"
        " test_a_redirect_uri_that_differs_burns_the_code",
    "impersonation": "test_impersonation_is_recorded_with_both_identities"
                     " test_impersonation_needs_the_right_and_exactly_for_the_powerful",
    "standard twins": "test_rfc6749_4_4_client_credentials_gives_a_token_that_works"
                      " test_rfc8693_impersonation_names_both_and_is_cut_to_both"
                      " test_rfc7009_a_revoked_token_is_dead_at_once"
                      " test_rfc7662_a_client_learns_of_its_own_tokens_alone"
                      " test_rfc8414_metadata_names_what_is_there",
    "Select User page": "test_select_user_lists_and_redirects_with_a_code"
                        " test_select_user_is_csrf_safe"
                        " test_select_user_needs_impersonate_of_caller_and_client",
    "revoke at the upstream": "test_airisk_says_that_nothing_can_be_revoked_there",
}


def all_tests():
    return {node.name for file in HERE.glob("test_*.py") for node in ast.walk(ast.parse(
        file.read_text())) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("named", [CONTRACT_FIT, AIRISK], ids=["contract_fit", "airisk"])
def test_every_row_has_its_tests(named):
    missing = {row: test for row, names in named.items() for test in names.split()
               if test not in all_tests()}
    assert not missing


def normal(path):
    path = re.sub(f"{NO_ROLE}|(?<=/)(none|admin)$", "{}", path.partition("?")[0])
    return re.sub(r"\{[^}]*\}", "{}", path)


def operations(place):
    """(method, path) of "GET, PATCH /a/{id}; GET /a, /b"; a later path stands beside the first."""
    found = []
    for part in place.replace(" (deprecated)", "").split("; "):
        methods, paths = re.match(r"((?:[A-Z]+(?:, )?)+) (.*)", part).groups()
        first, *others = paths.split(", ")
        beside = {"/paginated": first.rsplit("/", 1)[0]}
        for path in [first, *(beside.get(other, first) + other for other in others)]:
            found += [(method, normal(path)) for method in methods.split(", ")]
    return found


@pytest.mark.parametrize("place", ENDPOINTS)
def test_every_status_of_an_endpoint_has_its_row(place):
    tested = {}
    for _, _, method, path, _, status in ROWS:
        tested.setdefault((method, normal(path)), set()).add(status)
    for operation in operations(place):
        assert operation in tested, operation
    seen = set().union(*(tested[operation] for operation in operations(place)))
    assert ENDPOINTS[place] <= seen
