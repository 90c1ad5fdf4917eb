"""Addresses of the compute app: inside a workspace, and the operator's."""

from django.urls import path

from apps.compute import views

WORKSPACE = "w/<slug:slug>/"

app_name = "compute"
urlpatterns = [
    path(f"{WORKSPACE}operations/", views.operations, name="operations"),
    path(f"{WORKSPACE}operations/lane/", views.lane, name="lane"),
    path(f"{WORKSPACE}demand/", views.demand, name="demand"),
    path(f"{WORKSPACE}demand/new/", views.plan_demand, name="plan-demand"),
    path(f"{WORKSPACE}demand/effect/", views.demand_effect, name="demand-effect"),
    path(f"{WORKSPACE}demand/<str:period_id>/", views.demand_period, name="demand-period"),
    path(f"{WORKSPACE}demand/<str:period_id>/cancel/", views.cancel_demand, name="cancel-demand"),
    path(f"{WORKSPACE}planner/", views.planner, name="planner"),
    path("fleet/", views.fleet, name="fleet"),
    path("fleet/state/", views.fleet_state, name="fleet-state"),
    path("fleet/models/", views.engine_models, name="engine-models"),
    path("fleet/what-if/", views.what_if, name="what-if"),
]
